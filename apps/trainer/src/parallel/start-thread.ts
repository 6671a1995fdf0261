import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../package-root";

/** Files of this folder that run as threads. */
export type ThreadName = "compute-thread" | "data-thread";

/** Starts a thread of this package: the built file, or its source inside a clone. */
export function startThread(name: ThreadName): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(join(packageRoot, "dist", "parallel", `${name}.js`), { execArgv: [] });
  const source = new URL(`./${name}.ts`, import.meta.url).href;
  return new Worker(new URL("./thread-from-source.mjs", import.meta.url), {
    workerData: { source },
    execArgv: ["--conditions=@v-triune/source"],
  });
}
