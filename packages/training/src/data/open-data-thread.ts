import type { RowStoreNotice } from "@v-triune/data-filters";
import type { TrainingBatch, TrainingSource } from "./training-data";
import type { DataSetup, FromDataThread, ToDataThread } from "./data-protocol";
import { errorFromPlain } from "../threads/plain-error";
import { startThread } from "../threads/start-thread";

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
    { readonly resolve: (batch: TrainingBatch) => void; readonly reject: (error: Error) => void }
  >();
  let lost: Error | undefined;
  let nextJob = 0;
  const post = (message: ToDataThread): void => thread.postMessage(message, []);
  const opened = new Promise<{ length: number; sources: readonly string[] }>((resolve, reject) => {
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
      if (message.type === "batch") give?.(message.batch);
      else refuse?.(errorFromPlain(message.error));
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
    const { length, sources } = await opened;
    return {
      length,
      sources,
      batch: (position, count) =>
        new Promise((resolve, reject) => {
          if (lost) return reject(lost);
          waiting.set(nextJob, { resolve, reject });
          post({ type: "batch", job: nextJob++, position, count });
        }),
      close: () => post({ type: "close" }),
    };
  } catch (error) {
    await thread.terminate();
    throw error;
  }
}
