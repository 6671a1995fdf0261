/**
 * The prompts of a run in their order, the next step's prepared while this one runs. What is prepared ahead is a guess
 * at what will be asked for, never more than one batch, and none after a batch whose pictures are large: what a step is
 * given does not depend on it.
 */
import type { PreparedPrompt } from "@v-triune/rollouts";
import type { TrainingBatch, TrainingSource } from "./training-data";

export interface TrainingData extends Pick<TrainingSource, "length" | "sources" | "close"> {
  /** How far the order has been followed; a resumed run sets it. */
  position: number;
  next(count: number): Promise<readonly PreparedPrompt[]>;
}

/**
 * @param onBadRow told of a row when the step that it would have belonged to is given out
 * @param mostAhead bytes of pictures that may lie ready beside those of the running step; 0 prepares nothing ahead
 */
export function readAhead(
  source: TrainingSource,
  onBadRow: (message: string) => void,
  mostAhead: number = 2 ** 30,
): TrainingData {
  let ahead: { readonly position: number; readonly count: number; readonly batch: Promise<TrainingBatch> } | undefined;
  let usual: number | undefined;
  return {
    length: source.length,
    sources: source.sources,
    position: 0,
    async next(count) {
      usual ??= count;
      const guessed = ahead?.position === this.position && ahead.count === count ? ahead.batch : undefined;
      ahead = undefined;
      const { prompts, position, badRows } = await (guessed ?? source.batch(this.position, count));
      this.position = position;
      for (const message of badRows) onBadRow(message);
      const bytes = prompts.reduce((sum, { images }) => sum + (images?.pixelValues.byteLength ?? 0), 0);
      if (mostAhead > 0 && bytes <= mostAhead) {
        const batch = source.batch(position, usual);
        // Told when it is asked for.
        batch.catch(() => undefined);
        ahead = { position, count: usual, batch };
      }
      return prompts;
    },
    close: () => source.close(),
  };
}
