/**
 * The data thread: reads rows, decodes and cuts pictures, renders and tokenizes prompts, while the other threads
 * compute. Nothing imports this file.
 */
import { parentPort } from "node:worker_threads";
import { createProcessor } from "@v-triune/policy";
import { configuredPromptMaker } from "./configured-prompt-maker";
import { type TrainingSource, openTrainingSource } from "./training-data";
import type { DataSetup, FromDataThread, ToDataThread } from "./data-protocol";
import { plainError } from "../threads/plain-error";
import { PromptSharing } from "../threads/shared-prompts";

const port = parentPort;
if (!port) throw new Error("data-thread runs as a thread only");
const send = (message: FromDataThread): void => port.postMessage(message, []);

async function open(setup: DataSetup): Promise<TrainingSource> {
  const { config, processorFolder, architecture, verifiers, tools, copies = true } = setup;
  const processor = createProcessor(processorFolder, {}, architecture);
  const makePrompt = await configuredPromptMaker(config, processor, architecture?.text.maxPositionEmbeddings, tools);
  return openTrainingSource({
    sets: config.data.train,
    seed: config.run.seed,
    makePrompt,
    verifiers,
    strict: config.strict,
    ...(copies && { onRowStore: (notice) => send({ type: "row-store", notice }) }),
  });
}

// oxlint-disable-next-line v-triune/module-state -- the state of one thread; nothing imports this file
let source: TrainingSource | undefined;

const jobs = new Set<Promise<void>>();

port.on("message", (message: ToDataThread) => {
  if (message.type === "close") return void close();
  const job = work(message);
  jobs.add(job);
  void job.finally(() => jobs.delete(job));
});

/** A thread that is ended while DuckDB reads takes the whole process with it. */
async function close(): Promise<void> {
  source?.close();
  await Promise.allSettled(jobs);
  process.exit();
}

async function work(message: Exclude<ToDataThread, { type: "close" }>): Promise<void> {
  try {
    if (message.type === "setup") {
      source = await open(message.setup);
      return send({ type: "opened", length: source.length, rows: source.rows });
    }
    if (!source) throw new Error("the data thread was asked before its setup");
    // Pixels in shared memory: the computing threads are handed them without a copy.
    const sharing = new PromptSharing();
    const { job } = message;
    if (message.type === "prompts") {
      const prompts = await source.prompts(message.draws);
      const shared = prompts.map((prompt) => (typeof prompt === "string" ? prompt : sharing.prompt(prompt)));
      return send({ type: "prompts", job, prompts: shared });
    }
    const { prompts, ...rest } = await source.batch(message.position, message.count);
    send({ type: "batch", job, batch: { ...rest, prompts: prompts.map((prompt) => sharing.prompt(prompt)) } });
  } catch (error) {
    send({ type: "failed", ...(message.type === "setup" ? {} : { job: message.job }), error: plainError(error) });
  }
}
