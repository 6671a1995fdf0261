/** The demonstration's samples, drawn in memory as its Parquet files would hold them. */
import {
  boxOf,
  Canvas,
  countingSource,
  demoSourceNames,
  drawOther,
  fingerprints,
  heldOutQuestions,
  inReadingOrder,
  pictureSize,
  sampleOf,
  samplesForSteps,
  trainingQuestions,
  type DemoQuestion,
  type SourcedQuestion,
} from "@v-triune/demo-tasks/questions";
import { createRandom } from "@v-triune/rollouts/browser";
import { withStoredRatios } from "@v-triune/schema";
import type { MemorySample } from "@v-triune/training/browser";
import type { Drawing, OwnSource, RunSettings } from "./protocol";
import { pixelsOf, runsOf } from "./pixel-runs";
import { LIMITS, OWN_SOURCE } from "./settings";

/** A sample of one picture, whose pixels are RGB. */
interface DrawnSample extends MemorySample {
  readonly pictures: readonly [{ readonly width: number; readonly height: number; readonly data: Uint8Array }];
}

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

function drawnSample({ source, question }: SourcedQuestion, id: string): DrawnSample {
  return {
    sample: withStoredRatios(sampleOf(source, id, question, null)),
    pictures: [{ width: pictureSize, height: pictureSize, data: question.canvas.pixels }],
  };
}

/** What questions of the person's source are drawn from, so that those of the others stay the same. */
const OWN_HELD_OUT_SEED = 31338;
const OWN_STREAM = 8;

function ownSample(question: DemoQuestion, id: string): DrawnSample {
  const { sample, pictures } = drawnSample({ source: "demo_count", question }, id);
  return { sample: { ...sample, data_source: OWN_SOURCE }, pictures };
}

function ownHeldOut(own: OwnSource, count: number): DemoQuestion[] {
  const random = createRandom(OWN_HELD_OUT_SEED);
  const seen = new Set<string>();
  return Array.from({ length: count }, () => {
    const question = drawOther(countingSource(own), random, seen);
    for (const found of fingerprints([{ question }])) seen.add(found);
    return question;
  });
}

/** Endless, and without the held-out ones. */
function* ownTraining(own: OwnSource, seed: number): Generator<DrawnSample, never> {
  const random = createRandom(seed, OWN_STREAM);
  const heldOut = fingerprints(ownHeldOut(own, LIMITS.heldOut.most).map((question) => ({ question })));
  for (let index = 0; ; index++) yield ownSample(drawOther(countingSource(own), random, heldOut), `own-${index}`);
}

/** The training samples in the order of a run's data: the demonstration's, then those of the person's own source. */
function* drawnInOrder({ seed, steps, own }: RunSettings): Generator<DrawnSample> {
  for (const question of trainingQuestions(samplesForSteps(steps), seed)) yield drawnSample(question, question.id);
  if (!own) return;
  const samples = ownTraining(own, seed);
  for (let index = 0; index < samplesForSteps(steps); index++) yield samples.next().value;
}

/** Names of the sources of a run. */
export const sourcesOf = ({ own }: Pick<RunSettings, "own">): readonly string[] =>
  own ? [...demoSourceNames, OWN_SOURCE] : demoSourceNames;

/** Number of training samples of a run. */
export const samplesOf = (settings: RunSettings): number =>
  samplesForSteps(settings.steps) * sourcesOf(settings).length;

/**
 * Training samples by row, drawn when a step needs them. A run asks for each row once, so none is kept; those that are
 * drawn before their turn, nearly all of a run's, wait in little memory.
 */
export function trainingSamples(settings: RunSettings) {
  const drawn = drawnInOrder(settings);
  const waiting = new Map<number, { readonly sample: MemorySample["sample"]; readonly runs: Uint8Array }>();
  let count = 0;
  return (row: number): MemorySample => {
    while (!waiting.has(row)) {
      const next = drawn.next();
      if (next.done) throw new RangeError(`there is no training sample ${row} that was not asked for before`);
      waiting.set(count++, { sample: next.value.sample, runs: runsOf(next.value.pictures[0].data) });
    }
    const { sample, runs } = waiting.get(row)!;
    waiting.delete(row);
    return { sample, pictures: [{ width: pictureSize, height: pictureSize, data: pixelsOf(runs) }] };
  };
}

/** All training samples of a run. */
export const allTrainingSamples = (settings: RunSettings): MemorySample[] => [...drawnInOrder(settings)];

/** The held-out samples, the same for every seed. */
export function heldOutSamples({ heldOut, own }: RunSettings): MemorySample[] {
  const asked = heldOutQuestions(heldOut).map((question, index) => drawnSample(question, `held-out-${index}`));
  if (own)
    asked.push(...ownHeldOut(own, heldOut).map((question, index) => ownSample(question, `own-held-out-${index}`)));
  return asked;
}
