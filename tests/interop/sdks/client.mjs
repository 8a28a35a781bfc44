// The AWS SDK for JavaScript v3, as an application uses it. What it does and prints, test_sdks.py says.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const found = createRequire(join(process.env.INTEROP_WORK, "node/"));
const load = (name) => import(pathToFileURL(found.resolve(name)));
const { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } = await load("@aws-sdk/client-sts");
const { fromTemporaryCredentials, fromTokenFile } = await load("@aws-sdk/credential-providers");

const { NEXT_ROLE, VAULT_ROLE } = process.env;
const byToken = fromTokenFile();

async function called(credentials) {
  const { Arn: arn } = await new STSClient({ credentials }).send(new GetCallerIdentityCommand());
  return { id: credentials.accessKeyId, arn };
}

const first = await byToken();
const renewed = await byToken();
const next = fromTemporaryCredentials({
  masterCredentials: renewed,
  params: { RoleArn: NEXT_ROLE, RoleSessionName: "next", Tags: [{ Key: "team", Value: "red" }] },
});
const vault = new AssumeRoleCommand({ RoleArn: VAULT_ROLE, RoleSessionName: "next" });
const refused = await new STSClient({ credentials: first }).send(vault).then(
  () => "nothing",
  (error) => error.name,
);
const [one, two, chained] = await Promise.all([first, renewed, await next()].map(called));
console.log(JSON.stringify({ first: one, renewed: two, chained, refused }));
