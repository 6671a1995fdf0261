// A thread inside a clone, where it runs from its sources: tsx's --import does not reach threads, so it is registered here.
import { workerData } from "node:worker_threads";
import { register } from "tsx/esm/api";

register();
await import(workerData.source);
