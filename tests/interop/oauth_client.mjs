// npm's openid-client and oauth4webapi, as clients of an authorization server and as a service that takes its tokens.
//
// usage: node oauth_client.mjs ISSUER
//
// Each line on stdin asks for one call, and is answered by one line on stdout, as soon as there is an answer:
//
//   {"id": 1, "call": "exchange", "client": {"id": …, "secret": …, "method": …}, "parameters": {…}, "key": …}
//   {"id": 1, "is": …}  or  {"id": 1, "refused": {"status": 400, "error": "invalid_grant"}}
//
// A refusal that a library itself came to has a "code" instead. A key, `{algorithm}-{anything}`, is made when its
// name is first heard.
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const found = createRequire(join(process.env.INTEROP_WORK, "node/"));
const load = (name) => import(pathToFileURL(found.resolve(name)));
const openid = await load("openid-client");
const oauth = await load("oauth4webapi");

const issuer = new URL(process.argv[2]);
const insecure = { [oauth.allowInsecureRequests]: true };
const authentication = {
  none: () => openid.None(),
  client_secret_basic: openid.ClientSecretBasic,
  client_secret_post: openid.ClientSecretPost,
};
// The type of credentials; openid-client knows it from exchanges only, and can't be told.
const recognizedTokenTypes = { n_a: () => {} };
const keys = new Map();
const configurations = new Map();

// What is known of one client: the library's configuration, and what the server answered to its forms.
function configured(client) {
  const name = JSON.stringify(client);
  if (!configurations.has(name)) configurations.set(name, discovered(client));
  return configurations.get(name);
}

async function discovered({ id, secret, method }) {
  const answers = [];
  const config = await openid.discovery(issuer, id, undefined, authentication[method](secret), {
    algorithm: "oauth2",
    execute: [openid.allowInsecureRequests],
    [openid.customFetch]: async (url, options) => {
      const answer = await fetch(url, options);
      if (options.method === "POST") answers.push(answer.ok ? "ok" : (await answer.clone().json()).error);
      return answer;
    },
  });
  return { config, answers, auth: authentication[method](secret), server: config.serverMetadata() };
}

async function pair(name) {
  if (!keys.has(name)) keys.set(name, await openid.randomDPoPKeyPair(name.split("-")[0]));
  return keys.get(name);
}

const bound = async (config, key) => (key ? { DPoP: openid.getDPoPHandle(config, await pair(key)) } : {});

const calls = {
  async metadata({ client }) {
    return (await configured(client)).server;
  },
  // RFC 8693.
  async exchange({ client, parameters, key }) {
    const { config } = await configured(client);
    const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
    return openid.genericGrantRequest(config, grant, parameters, await bound(config, key));
  },
  // A grant that is not offered.
  async clientCredentials({ client }) {
    return openid.clientCredentialsGrant((await configured(client)).config);
  },
  async refresh({ client, token, key }) {
    const { config } = await configured(client);
    return openid.refreshTokenGrant(config, token, {}, await bound(config, key));
  },
  // Of credentials.
  async refreshCredentials({ client, token }) {
    const { server, auth } = await configured(client);
    const asked = { client_id: client.id };
    const response = await oauth.refreshTokenGrantRequest(server, asked, auth, token, insecure);
    return oauth.processRefreshTokenResponse(server, asked, response, { recognizedTokenTypes });
  },
  async introspect({ client, token }) {
    return openid.tokenIntrospection((await configured(client)).config, token);
  },
  async revoke({ client, token }) {
    return openid.tokenRevocation((await configured(client)).config, token);
  },
  // RFC 8628: the beginning, the library's own polling to the end, and one poll alone.
  async begin({ client, parameters }) {
    return openid.initiateDeviceAuthorization((await configured(client)).config, parameters);
  },
  async collect({ client, begun, key }) {
    const { config } = await configured(client);
    return openid.pollDeviceAuthorizationGrant(config, begun, undefined, await bound(config, key));
  },
  async poll({ client, begun, key }) {
    const { server, auth } = await configured(client);
    const asked = { client_id: client.id };
    const options = key ? { ...insecure, DPoP: oauth.DPoP(asked, await pair(key)) } : insecure;
    const response = await oauth.deviceCodeGrantRequest(server, asked, auth, begun.device_code, options);
    return oauth.processDeviceCodeResponse(server, asked, response, { recognizedTokenTypes });
  },
  async answers({ client }) {
    return (await configured(client)).answers;
  },
  // What the service at `audience` says to a request with this token: its claims (RFC 9068 section 4, RFC 9449
  // section 7), or a refusal.
  async present({ client, token, audience, key }) {
    const { server } = await configured(client);
    const proof = key && oauth.DPoP({ client_id: client.id }, await pair(key));
    let claims;
    const service = async (url, options) => {
      const request = new Request(url, { method: options.method, headers: options.headers });
      claims = await oauth.validateJwtAccessToken(server, request, audience, insecure);
      return new Response();
    };
    const options = { DPoP: proof || undefined, [oauth.customFetch]: service };
    await oauth.protectedResourceRequest(token, "GET", new URL("/photos/7", audience), undefined, undefined, options);
    return claims;
  },
};

// A challenge hides the error in the body, which is still to be read.
async function refusal(error) {
  const { status, code, error: word } = error;
  if (word) return { status, error: word };
  if (code !== oauth.WWW_AUTHENTICATE_CHALLENGE) return { code: code ?? String(error) };
  return { status, error: (await error.response.json()).error, challenges: error.cause };
}

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, call, ...asked } = JSON.parse(line);
    const answer = await calls[call](asked).then(
      (is) => ({ id, is: is ?? null }),
      async (error) => ({ id, refused: await refusal(error) }),
    );
    console.log(JSON.stringify(answer));
  })
  .on("close", () => process.exit());
