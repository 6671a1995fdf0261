import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../../package-root";

/** Files that run as threads. */
export type ThreadFile = "parallel/compute-thread" | "data/data-thread";

/** Starts a thread of this package: the built file, or its source inside a clone. */
export function startThread(file: ThreadFile): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(join(packageRoot, "dist", "training", `${file}.js`), { execArgv: [] });
  const source = new URL(`../${file}.ts`, import.meta.url).href;
  return new Worker(new URL("./thread-from-source.mjs", import.meta.url), {
    workerData: { source },
    execArgv: ["--conditions=@v-triune/source"],
  });
}
