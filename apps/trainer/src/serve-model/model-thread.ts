/** The thread that computes: it has the models, and does one call after another. Nothing imports this file. */
import { parentPort, workerData } from "node:worker_threads";
import { selectBackend } from "@v-triune/backend";
import { VTriuneError } from "@v-triune/errors";
import type { CompleteModelSettings } from "./model-settings";
import { ModelStore } from "./model-store";
import type { FromModelThread, ToModelThread } from "./model-work";
import { RequestRefusal } from "./request-refusal";
import type { Failure } from "./results";

const port = parentPort;
if (!port) throw new Error("model-thread runs as a thread only");
const send = (message: FromModelThread): void => port.postMessage(message, []);

/** What a client is told of work that failed: its own fault in full, ours in one line, with the rest in the log. */
function failureOf(error: unknown): Failure {
  if (error instanceof RequestRefusal) return { error: error.message, category: "user" };
  if (VTriuneError.isInstance(error)) {
    const { what, where, expected, found } = error;
    const parts = [what, where, expected && `expected ${expected}`, found && `found ${found}`];
    return { error: parts.filter((part) => part).join(" · "), category: "user" };
  }
  send({ type: "note", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return { error: `the server failed: ${error instanceof Error ? error.message : String(error)}`, category: "server" };
}

async function work(store: ModelStore, { job, name, given }: ToModelThread): Promise<void> {
  const began = performance.now();
  const call = store[name] as (...given: readonly unknown[]) => Promise<unknown>;
  const outcome = await call.apply(store, [...given]).then((value) => ({ value }), failureOf);
  send({ type: "done", job, outcome, ms: performance.now() - began });
}

const settings = workerData as CompleteModelSettings;
try {
  const backend = await selectBackend({ prefer: settings.backend });
  const store = new ModelStore(settings, failureOf);
  port.on("message", (message: ToModelThread) => void work(store, message));
  send({ type: "ready", backend: backend.description });
} catch (error) {
  if (!VTriuneError.isInstance(error)) throw error;
  const { what, where, expected, found, fix } = error;
  send({ type: "cannot-start", error: { what, where, expected, found, fix } });
}
