// npm's oidc-provider as an issuer on loopback, with its own pages of login and consent.
//
// usage: node oidc_provider.mjs PORT
//
// Each line on stdin is a whole configuration, which replaces the one before as a restart would; what the
// issuer remembers stays. Each is answered by the line "ready" on stdout.
//
//   {"keys": ["RS256-1", "EdDSA-1"], "clients": […], "people": {"ann": {claims}}, "resource": {…}}
//
// A key is made when its name is first heard. Of several that serve an algorithm the first one signs.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const found = createRequire(join(process.env.INTEROP_WORK, "node/"));
const load = (name) => import(pathToFileURL(found.resolve(name)));
const { Provider } = await load("oidc-provider");
const { exportJWK, generateKeyPair } = await load("jose");

const port = Number(process.argv[2]);
const url = `http://127.0.0.1:${port}`;
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const made = new Map();
let answer;

async function key(name) {
  if (!made.has(name)) {
    const alg = name.split("-")[0];
    const pair = await generateKeyPair(alg, { extractable: true });
    made.set(name, { ...(await exportJWK(pair.privateKey)), kid: name, use: "sig", alg });
  }
  return made.get(name);
}

async function configure({ keys, clients, people, resource }) {
  const provider = new Provider(url, {
    jwks: { keys: await Promise.all(keys.map(key)) },
    clients,
    cookies: { keys: ["not a secret: everything is on loopback"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups", "team", "org"] },
    // By the book the claims of a scope are at the userinfo endpoint; many issuers put them into the ID token.
    conformIdTokenClaims: false,
    // Nor do access tokens have to be recognizable by what they lack.
    extraTokenClaims: (_, token) => ({ email: people[token.accountId]?.email }),
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    features: {
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: () => resource,
      },
    },
    // Its own dispatcher asks no private addresses, and the broker is at one.
    fetch: (target, { dispatcher, ...options }) => fetch(target, options),
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  });
  provider.on("server_error", (_, error) => console.error(error));
  answer = provider.callback();
}

const server = createServer((request, response) => answer(request, response));
for await (const line of createInterface({ input: process.stdin })) {
  await configure(JSON.parse(line));
  if (!server.listening) await new Promise((listening) => server.listen(port, "127.0.0.1", listening));
  console.log("ready");
}
process.exit();
