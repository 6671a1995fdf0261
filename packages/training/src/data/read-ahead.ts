/**
 * The prompts of a run in their order, the next step's prepared while this one runs. What is prepared ahead is a guess
 * at what will be asked for, never more than one batch, and none after a batch whose pictures are large: what a step is
 * given does not depend on it.
 */
import type { TrainingData } from "./run-data";
import type { TrainingBatch, TrainingSource } from "./training-data";

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
    place: { position: 0 },
    observe: () => undefined,
    async next(count) {
      usual ??= count;
      const guessed = ahead?.position === this.place.position && ahead.count === count ? ahead.batch : undefined;
      ahead = undefined;
      const { prompts, position, badRows } = await (guessed ?? source.batch(this.place.position, count));
      this.place = { position };
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
