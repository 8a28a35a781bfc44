// npm's iam-simulate, asked line by line: a simulation as JSON in, its result as JSON out.
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const found = createRequire(join(process.env.INTEROP_WORK, "node/"));
const { runSimulation } = await import(pathToFileURL(found.resolve("@cloud-copilot/iam-simulate")));

for await (const line of createInterface({ input: process.stdin })) {
  const { overallResult, errors } = await runSimulation(JSON.parse(line), {});
  console.log(JSON.stringify(errors ? { errors } : { result: overallResult }));
}
