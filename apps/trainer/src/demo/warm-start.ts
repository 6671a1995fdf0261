/**
 * How the demonstration's checkpoints came about: supervised learning on worked answers in seven stages, then an eighth
 * on the careless annotator's labels, which is the state that reinforcement learning starts from. Random weights have a
 * deviation of 1/√fan_in (what a transformer of this size needs; 0.02 does not learn here), ten times less where a
 * branch ends in the residual stream. Without the dense questions, which ask for everything in a picture, accuracy
 * stays at chance for long.
 *
 * `v-triune demo --make-checkpoint DIR` runs it: 9,360 updates of 28 samples, about 10 million tokens.
 *
 * The base model of `v-triune demo --zero` is that checkpoint after one more stage, on right answers in free text: it
 * sees what the others see, and was taught no form of an answer. `--make-checkpoint DIR --zero` runs it.
 */
import {
  type DemoQuestion,
  carelessAnswer,
  demoSourceNames,
  drawQuestion,
  fingerprints,
  freeText,
  heldOutQuestions,
  responseText,
} from "@v-triune/demo-tasks";
import { createLearner } from "@v-triune/grpo";
import { type VlmPolicy, type TokenizedRollout, randomWeights } from "@v-triune/policy";
import { createRandom } from "@v-triune/rollouts";

export interface WarmStage {
  readonly name: string;
  readonly updates: number;
  readonly learningRate: number;
  /** Whether the rate falls linearly to 0 over the stage. */
  readonly decay: boolean;
  /** Share of dense questions. */
  readonly describe: number;
  /** Share of labels that the careless annotator wrote. */
  readonly careless: number;
  /** Whether answers are free text, as a base model saw them. Default false: thought and answer between their tags. */
  readonly freeText?: boolean;
}

export const warmStages: readonly WarmStage[] = [
  { name: "first", updates: 1600, learningRate: 1e-3, decay: false, describe: 0.5, careless: 0 },
  { name: "second", updates: 800, learningRate: 7e-4, decay: false, describe: 0.4, careless: 0 },
  { name: "third", updates: 1200, learningRate: 7e-4, decay: true, describe: 0.3, careless: 0 },
  { name: "fourth", updates: 1600, learningRate: 7e-4, decay: false, describe: 0.3, careless: 0 },
  { name: "fifth", updates: 1200, learningRate: 7e-4, decay: true, describe: 0.2, careless: 0 },
  { name: "sixth", updates: 1600, learningRate: 7e-4, decay: false, describe: 0.4, careless: 0 },
  { name: "seventh", updates: 1200, learningRate: 7e-4, decay: true, describe: 0.2, careless: 0 },
  { name: "careless annotator", updates: 200, learningRate: 3e-4, decay: true, describe: 0, careless: 0.65 },
];

export const baseStage: WarmStage = {
  name: "free text",
  updates: 200,
  learningRate: 3e-4,
  decay: true,
  describe: 0.2,
  careless: 0,
  freeText: true,
};

/** Samples of one update: four of each source. */
const batch = 4 * demoSourceNames.length;
const warmUpUpdates = 50;

/** Makes a row for the policy of a question and the answer to be learnt. */
export type SupervisedRowMaker = (question: DemoQuestion, response: string) => TokenizedRollout;

/** Random weights by tensor name for the demonstration's model. */
export function demoInitialWeights(
  config: Parameters<typeof randomWeights>[0],
  seed: number,
): Map<string, Float32Array> {
  return randomWeights(config, {
    seed,
    embeddingDeviation: 0.1 / Math.sqrt(config.text.hiddenSize),
    gain: ({ name }) => initialGain(name),
  });
}

function initialGain(name: string): number {
  if (name.includes("o_proj") || name.includes("merger.mlp.2")) return 0.1;
  if (name.startsWith("visual.")) return name.includes("attn.proj") || name.includes("down_proj") ? 0.3 : 1;
  return name.includes("down_proj") ? 0.1 : 1;
}

export interface WarmProgress {
  readonly stage: WarmStage;
  readonly update: number;
  readonly loss: number;
  readonly seconds: number;
}

/**
 * Trains one stage in place.
 *
 * @param heldOut fingerprints of the held-out questions, which are never trained on
 */
export function runWarmStage(
  policy: VlmPolicy,
  stage: WarmStage,
  options: {
    readonly seed: number;
    readonly makeRow: SupervisedRowMaker;
    readonly onProgress?: (progress: WarmProgress) => void;
  },
): void {
  const random = createRandom(options.seed, 100 + [...warmStages, baseStage].indexOf(stage));
  const heldOut = fingerprints(heldOutQuestions(100));
  const learner = createLearner<TokenizedRollout>({
    policy,
    optimizer: { learningRate: stage.learningRate, beta1: 0.9, beta2: 0.98, weightDecay: 0.01 },
    schedule: stage.decay
      ? { kind: "linear", warmupSteps: warmUpUpdates, totalSteps: stage.updates }
      : { kind: "constant", warmupSteps: warmUpUpdates },
  });
  try {
    const started = performance.now();
    for (let update = 1; update <= stage.updates; update++) {
      const rows = Array.from({ length: batch }, (_, index) => {
        const source = demoSourceNames[index % demoSourceNames.length] as (typeof demoSourceNames)[number];
        const question = drawQuestion(source, random, heldOut, random.chance(stage.describe));
        const answer = random.chance(stage.careless) ? carelessAnswer(question.answer, random) : question.answer;
        const text = stage.freeText
          ? freeText(question.thought, answer, random)
          : responseText(question.thought, answer);
        return { row: options.makeRow(question, text) };
      });
      const { loss } = learner.supervised(rows);
      if (update % 50 === 0 || update === stage.updates) {
        options.onProgress?.({ stage, update, loss, seconds: (performance.now() - started) / 1000 });
      }
    }
  } finally {
    learner.dispose();
  }
}
