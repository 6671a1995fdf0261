/** What runs in a worker thread: texts in, one text per text out. Nothing imports this file. */
import { parentPort } from "node:worker_threads";
import { loadTextTask, type TextTask } from "./text-tasks";

/** Texts to be computed. */
export interface TextRequest {
  readonly task: TextTask;
  readonly texts: readonly string[];
}

/** One value per text, or what went wrong. Replies come in the order of the requests. */
export type TextReply = { readonly values: readonly string[] } | { readonly error: string };

const loaded = new Map<TextTask, Promise<(text: string) => string>>();
// oxlint-disable-next-line v-triune/module-state -- the state of one thread; nothing imports this file
let queue: Promise<void> = Promise.resolve();

async function compute({ task, texts }: TextRequest): Promise<TextReply> {
  try {
    let load = loaded.get(task);
    if (load === undefined) loaded.set(task, (load = loadTextTask(task)));
    const one = await load;
    return { values: texts.map(one) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

parentPort?.on("message", (request: TextRequest) => {
  queue = queue.then(async () => parentPort?.postMessage(await compute(request), []));
});
