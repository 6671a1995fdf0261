import type { RowStoreNotice } from "@v-triune/data-filters";
import type { TrainingSource } from "./training-data";
import type { DataSetup, FromDataThread, ToDataThread } from "./data-protocol";
import { errorFromPlain } from "../threads/plain-error";
import { startThread } from "../threads/start-thread";

type Job = Extract<ToDataThread, { job: number }>;
type Answer = Extract<FromDataThread, { type: Job["type"] }>;

/**
 * A run's training data, prepared in a thread of its own.
 *
 * @param onRowStore told when a large set is copied
 * @throws what `openTrainingSource` throws
 */
export async function openDataThread(
  setup: DataSetup,
  onRowStore: (notice: RowStoreNotice) => void = () => {},
): Promise<TrainingSource> {
  const thread = await startThread("data/data-thread");
  const waiting = new Map<
    number,
    { readonly resolve: (message: Answer) => void; readonly reject: (error: Error) => void }
  >();
  let lost: Error | undefined;
  let nextJob = 0;
  const post = (message: ToDataThread): void => thread.postMessage(message, []);
  const opened = new Promise<Extract<FromDataThread, { type: "opened" }>>((resolve, reject) => {
    let failure: unknown;
    const end = (error: Error): void => {
      lost = error;
      reject(error);
      for (const { reject: give } of waiting.values()) give(error);
      waiting.clear();
    };
    thread.on("message", (message: FromDataThread) => {
      if (message.type === "row-store") return onRowStore(message.notice);
      if (message.type === "opened") return resolve(message);
      if (message.type === "failed" && message.job === undefined) return end(errorFromPlain(message.error));
      const job = message.job as number;
      const { resolve: give, reject: refuse } = waiting.get(job) ?? {};
      waiting.delete(job);
      if (message.type === "failed") refuse?.(errorFromPlain(message.error));
      else give?.(message);
    });
    thread.on("error", (error) => (failure = error));
    thread.on("exit", (code) =>
      end(
        new Error(`the data thread has ended: ${failure instanceof Error ? failure.message : `exit code ${code}`}`, {
          cause: failure,
        }),
      ),
    );
  });
  post({ type: "setup", setup });
  try {
    const { length, rows } = await opened;
    const ask = <Type extends Job["type"]>(
      job: Omit<Extract<Job, { type: Type }>, "job">,
    ): Promise<Extract<Answer, { type: Type }>> =>
      new Promise((resolve, reject) => {
        if (lost) return reject(lost);
        waiting.set(nextJob, { resolve: resolve as (message: Answer) => void, reject });
        post({ ...job, job: nextJob++ } as unknown as Job);
      });
    return {
      length,
      sources: rows.sources,
      rows,
      batch: async (position, count) => (await ask<"batch">({ type: "batch", position, count })).batch,
      prompts: async (draws) => (await ask<"prompts">({ type: "prompts", draws })).prompts,
      close: () => post({ type: "close" }),
    };
  } catch (error) {
    await thread.terminate();
    throw error;
  }
}
