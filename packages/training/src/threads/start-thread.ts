import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { packageRoot } from "../package-root";

/** Files that run as threads. */
export type ThreadFile = "parallel/compute-thread" | "data/data-thread";

/** Starts a thread of this package: the built file, or in a clone its source. */
export async function startThread(name: ThreadFile): Promise<Worker> {
  const file = await entryFile({
    source: new URL(`../${name}.ts`, import.meta.url),
    built: () => pathToFileURL(join(packageRoot, "dist", `${name}.js`)),
  });
  return new Worker(file, { execArgv: [] });
}
