import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../package-root";

const require = createRequire(import.meta.url);

/** Versions of what a run's numbers depend on, for run.json. */
export function softwareVersions(): Record<string, string> {
  const own = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return {
    "v-triune": own.version,
    node: process.versions.node,
    "@tensorflow/tfjs-core": version("@tensorflow/tfjs-core"),
  };
}
