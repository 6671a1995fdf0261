/** What a policy uses of Node: folders, and threads that share its memory. */
import { availableParallelism } from "node:os";
import { isMainThread } from "node:worker_threads";
import { KernelThreads } from "../kernels/wasm/kernel-threads";
import type { PolicyPlatform } from "../policy/policy-platform";
import { folderFiles } from "./folder-files";
import { saveAdapter, saveModel } from "./save-policy";

export const nodePlatform: PolicyPlatform = {
  files: folderFiles,
  saveModel,
  saveAdapter,
  threads: {
    // Inside a worker, whose owner has distributed the work already, one.
    available: () => (isMainThread ? availableParallelism() : 1),
    start: (memory, count) => new KernelThreads(memory, count),
  },
};
