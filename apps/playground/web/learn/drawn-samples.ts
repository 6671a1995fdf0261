/** The demonstration's samples, drawn in memory as its Parquet files would hold them. */
import {
  boxOf,
  Canvas,
  heldOutQuestions,
  inReadingOrder,
  pictureSize,
  sampleOf,
  samplesForSteps,
  trainingQuestions,
  type SourcedQuestion,
} from "@v-triune/demo-tasks/questions";
import { createRandom } from "@v-triune/rollouts/browser";
import { withStoredRatios } from "@v-triune/schema";
import type { MemorySample } from "@v-triune/training/browser";
import type { Drawing, RunSettings } from "./protocol";

/** A person's drawing with its right answer. */
export function sampleOfDrawing({ shapes, ask, shape }: Drawing): MemorySample {
  const canvas = new Canvas(createRandom(0));
  for (const placed of shapes) canvas.place(placed);
  const wanted = shapes.filter((placed) => placed.shape === shape);
  const common = { canvas, thought: "" };
  return ask === "count"
    ? drawnSample(
        {
          source: "demo_count",
          question: {
            ...common,
            question: `How many ${shape}s are there?`,
            answer: { kind: "number", value: wanted.length },
          },
        },
        "drawn",
      )
    : drawnSample(
        {
          source: "demo_detect",
          question: {
            ...common,
            question: `Find every ${shape}.`,
            answer: { kind: "boxes", boxes: inReadingOrder(wanted.map(boxOf)) },
          },
        },
        "drawn",
      );
}

function drawnSample({ source, question }: SourcedQuestion, id: string): MemorySample {
  return {
    sample: withStoredRatios(sampleOf(source, id, question, null)),
    pictures: [{ width: pictureSize, height: pictureSize, data: question.canvas.pixels }],
  };
}

/** Training samples by row, drawn when a step needs them. A run asks for each row once, so none is kept. */
export function trainingSamples(seed: number, steps: number) {
  const questions = trainingQuestions(samplesForSteps(steps), seed);
  const ready = new Map<number, MemorySample>();
  let count = 0;
  return (row: number): MemorySample => {
    while (!ready.has(row)) {
      const next = questions.next();
      if (next.done) throw new RangeError(`there is no training sample ${row} that was not asked for before`);
      ready.set(count++, drawnSample(next.value, next.value.id));
    }
    const sample = ready.get(row)!;
    ready.delete(row);
    return sample;
  };
}

/** All training samples of a run in the order of its data. */
export const allTrainingSamples = ({ seed, steps }: Pick<RunSettings, "seed" | "steps">): MemorySample[] =>
  Array.from(trainingQuestions(samplesForSteps(steps), seed), (question) => drawnSample(question, question.id));

/** The held-out samples, the same for every seed. */
export const heldOutSamples = (perSource: number): MemorySample[] =>
  heldOutQuestions(perSource).map((question, index) => drawnSample(question, `held-out-${index}`));
