import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { entryFile } from "@v-triune/node-kit/entry-file";
import { packageRoot } from "../package-root";

/** Files that run as threads. */
export type ThreadFile = "parallel/compute-thread" | "data/data-thread" | "sampling/tool-thread";

/** The file of a thread of this package: the built one, or in a clone its source. */
export function threadFile(name: ThreadFile): Promise<URL> {
  return entryFile({
    source: new URL(`../${name}.ts`, import.meta.url),
    built: () => pathToFileURL(join(packageRoot, "dist", `${name}.js`)),
  });
}

/** Starts a thread of this package. */
export async function startThread(name: ThreadFile): Promise<Worker> {
  return new Worker(await threadFile(name), { execArgv: [] });
}
