/** The demonstration's samples, drawn in memory as its Parquet files would hold them. */
import {
  heldOutQuestions,
  pictureSize,
  sampleOf,
  samplesForSteps,
  trainingQuestions,
  type SourcedQuestion,
} from "@v-triune/demo-tasks/questions";
import { withStoredRatios } from "@v-triune/schema";
import type { MemorySample } from "@v-triune/training/browser";

function drawnSample({ source, question }: SourcedQuestion, id: string): MemorySample {
  return {
    sample: withStoredRatios(sampleOf(source, id, question, null)),
    pictures: [{ width: pictureSize, height: pictureSize, data: question.canvas.pixels }],
  };
}

/** Training samples by row, drawn when the first step needs them. */
export function trainingSamples(seed: number, steps: number) {
  const questions = trainingQuestions(samplesForSteps(steps), seed);
  const drawn: MemorySample[] = [];
  return (row: number): MemorySample => {
    while (drawn.length <= row) {
      const next = questions.next();
      if (next.done) throw new RangeError(`there is no training sample ${row}`);
      drawn.push(drawnSample(next.value, next.value.id));
    }
    return drawn[row]!;
  };
}

/** The held-out samples, the same for every seed. */
export const heldOutSamples = (perSource: number): MemorySample[] =>
  heldOutQuestions(perSource).map((question, index) => drawnSample(question, `held-out-${index}`));
