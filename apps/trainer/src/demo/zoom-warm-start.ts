/**
 * How the checkpoint of `v-triune demo --zoom` came about: the demonstration's model, its vocabulary enlarged by words
 * of calls, after two supervised stages.
 *
 *   skills   boxes of frames, looks at them, letters of easy pictures
 *   hasty    few updates on answers of a careless annotator, who answers tiny pictures at once or looks beside the frame
 *
 * The second stage hides most of what the first has taught. Reinforcement learning is to bring it back, and to learn when
 * a look is worth it. `v-triune demo --make-checkpoint DIR --zoom` runs both: 320 updates of 14 samples. Prompts, pictures
 * and observations are as in training: the crop tool makes the crops, and only what the model writes is learned.
 */
import {
  type Practice,
  type PracticeKind,
  type ZoomQuestion,
  callText,
  drawPractice,
  practiceKinds,
  storedSize,
  zoomScale,
} from "@v-triune/demo-tasks";
import { createLearner } from "@v-triune/grpo";
import {
  type ProcessedImages,
  type Processor,
  type RgbImage,
  type TokenizedRollout,
  type VlmConfig,
  type VlmPolicy,
  openSafetensors,
  randomWeights,
  resizeBicubic,
} from "@v-triune/policy";
import { createRandom, type SeededRandom } from "@v-triune/rollouts";
import {
  type ToolContext,
  callForm,
  continuationText,
  continuationTokens,
  createCropTool,
  cutOut,
} from "@v-triune/rollouts/tools";

export interface ZoomStage {
  readonly name: string;
  readonly updates: number;
  /** Falls linearly to 0 over the stage. */
  readonly learningRate: number;
  /** Share of samples by kind; they add up to 1. */
  readonly shares: Readonly<Partial<Record<PracticeKind, number>>>;
}

export const zoomStages: readonly ZoomStage[] = [
  {
    name: "skills",
    updates: 240,
    learningRate: 8e-4,
    shares: { find: 0.25, look: 0.45, retry: 0.08, easy: 0.12, unaided: 0.07, hasty: 0.03 },
  },
  {
    name: "hasty annotator",
    updates: 80,
    learningRate: 3e-4,
    shares: { look: 0.1, retry: 0.02, easy: 0.13, unaided: 0.1, hasty: 0.5, astray: 0.15 },
  },
];

const batch = 14;
const warmUpUpdates = 20;

/**
 * Weights of the demonstration's model for a larger vocabulary: the tokens that it does not know are random, as large as
 * those that it does.
 *
 * @param config of the new model
 */
export async function enlargedWeights(
  folder: string,
  config: VlmConfig,
  seed: number,
): Promise<Map<string, Float32Array>> {
  const reader = await openSafetensors(folder);
  const weights = new Map(reader.names.map((name) => [name, reader.readFloat32(name)]));
  const table = "model.embed_tokens.weight";
  const known = weights.get(table)!;
  const deviation = Math.sqrt(known.reduce((sum, value) => sum + value * value, 0) / known.length);
  const enlarged = randomWeights(config, { seed, embeddingDeviation: deviation }).get(table)!;
  enlarged.set(known);
  return weights.set(table, enlarged);
}

/** Makes a row for the policy of a worked answer. */
export type PracticeRowMaker = (practice: Practice) => Promise<TokenizedRollout>;

/** Trains one stage in place. */
export async function runZoomStage(
  policy: VlmPolicy,
  stage: ZoomStage,
  options: {
    readonly seed: number;
    readonly makeRow: PracticeRowMaker;
    readonly onProgress?: (progress: {
      readonly update: number;
      readonly loss: number;
      readonly seconds: number;
    }) => void;
  },
): Promise<void> {
  const random = createRandom(options.seed, 200 + zoomStages.indexOf(stage));
  const learner = createLearner<TokenizedRollout>({
    policy,
    optimizer: { learningRate: stage.learningRate, beta1: 0.9, beta2: 0.98, weightDecay: 0.01 },
    schedule: { kind: "linear", warmupSteps: warmUpUpdates, totalSteps: stage.updates },
  });
  try {
    const started = performance.now();
    for (let update = 1; update <= stage.updates; update++) {
      const rows: { row: TokenizedRollout; mask: Uint8Array }[] = [];
      for (let index = 0; index < batch; index++) {
        const row = await options.makeRow(drawPractice(chosenKind(stage.shares, random), random));
        rows.push({ row, mask: row.responseMask! });
      }
      const { loss } = learner.supervised(rows);
      if (update % 20 === 0 || update === stage.updates)
        options.onProgress?.({ update, loss, seconds: (performance.now() - started) / 1000 });
    }
  } finally {
    learner.dispose();
  }
}

function chosenKind(shares: ZoomStage["shares"], random: SeededRandom): PracticeKind {
  let left = random.int(0, 999_999) / 1e6;
  for (const kind of practiceKinds) {
    left -= shares[kind] ?? 0;
    if (left < 0) return kind;
  }
  return "easy";
}

/** Conversations as training has them: the prompt, each call with what the tool returns, the answer. */
export function practiceRowMaker(processor: Processor, endToken: number): PracticeRowMaker {
  const { imageProcessor, tokenizer } = processor;
  const crop = createCropTool({ boxes: "resized-pixels", square: true, notes: false });
  const shown = { tool: "crop", arguments: {}, text: "", pictures: [{ png: new Uint8Array(), width: 1, height: 1 }] };
  const continuation = continuationText(callForm("hermes").observe([shown], 0), processor);
  return async ({ question, worked }) => {
    const images = imageProcessor.processDecoded([seenPicture(question)]);
    const content = [{ type: "image" as const }, { type: "text" as const, text: worked.prompt }];
    const { promptIds } = processor.encodeProcessed([{ role: "user", content }], images, { addGenerationPrompt: true });
    const ids: number[] = [];
    const mask: number[] = [];
    const add = (tokens: Int32Array, isLearned: 0 | 1): void => {
      ids.push(...tokens);
      mask.push(...Array.from(tokens, () => isLearned));
    };
    const turn = (text: string): Int32Array => Int32Array.from([...tokenizer.encode(text), endToken]);
    const observations: ProcessedImages[] = [];
    for (const box of worked.looks) {
      const result = await crop.call({ bbox_2d: [...box] }, contextOf(question));
      if ("fault" in result) throw new RangeError(`a box of the warm start can't be cut out: ${result.fault}`);
      const observation = imageProcessor.processDecoded(result.pictures as readonly RgbImage[]);
      observations.push(observation);
      add(turn(callText(box)), 1);
      add(continuationTokens(continuation, endToken, [observation], processor).tokenIds, 0);
    }
    add(turn(worked.answer), 1);
    return {
      promptIds,
      images,
      completionIds: Int32Array.from(ids),
      responseMask: Uint8Array.from(mask),
      ...(observations.length > 0 ? { observations } : {}),
    };
  };
}

function contextOf({ pixels }: ZoomQuestion): ToolContext {
  const stored = { width: storedSize, height: storedSize };
  const seen = { width: storedSize / zoomScale, height: storedSize / zoomScale };
  const picture = { ...stored, seen, pixels: () => Promise.resolve({ ...stored, data: pixels }) };
  return { pictures: [picture], promptPictures: 1, signal: new AbortController().signal };
}

/** How far a frame and the resizing of its edge reach around its inside, and what that needs around it, in seen pixels. */
const blur = 4;
const margin = 6;

/**
 * The picture at the size at which the model sees it, as its image processor resizes it: of a tiny picture, only frames
 * need the work.
 */
export function seenPicture({ size, pixels, ground, panels }: ZoomQuestion): RgbImage {
  const side = storedSize / zoomScale;
  const stored = { width: storedSize, height: storedSize, data: pixels };
  if (size === "easy") return resizeBicubic(stored, side, side);
  const data = new Uint8Array(3 * side * side).map((_, index) => ground[index % 3]!);
  for (const { box } of panels) {
    const around = (by: number): readonly [number, number, number, number] => [
      Math.max(0, box[0] - by),
      Math.max(0, box[1] - by),
      Math.min(side, box[2] + by),
      Math.min(side, box[3] + by),
    ];
    const window = around(margin);
    const cut = cutOut(
      stored,
      window.map((at) => at * zoomScale),
    );
    const width = window[2] - window[0];
    const small = resizeBicubic(cut, width, window[3] - window[1]);
    const [x1, y1, x2, y2] = around(blur);
    for (let y = y1; y < y2; y++) {
      const from = 3 * ((y - window[1]) * width + x1 - window[0]);
      data.set(small.data.subarray(from, from + 3 * (x2 - x1)), 3 * (y * side + x1));
    }
  }
  return { width: side, height: side, data };
}
