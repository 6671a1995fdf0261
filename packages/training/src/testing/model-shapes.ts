/** For benches: models by size, with the small tower of `smallModelConfig` or one in proportion. */
import { resolve } from "node:path";
import { type Qwen25VlConfig, createVlm, randomWeights, readModelConfig } from "@v-triune/policy";
import { smallModelConfig } from "./small-model-config";

const ofSizes = {
  "20M": {
    hiddenSize: 320,
    numLayers: 12,
    numHeads: 5,
    numKeyValueHeads: 5,
    intermediateSize: 1024,
    vocabSize: 8192,
  },
  /** SmolLM2-135M's. */
  "135M": {
    hiddenSize: 576,
    numLayers: 30,
    numHeads: 9,
    numKeyValueHeads: 3,
    intermediateSize: 1536,
    vocabSize: 49_152,
  },
  /** Qwen2.5-0.5B's. */
  "0.5B": {
    hiddenSize: 896,
    numLayers: 24,
    numHeads: 14,
    numKeyValueHeads: 2,
    intermediateSize: 4864,
    vocabSize: 151_936,
  },
} satisfies Record<string, Partial<Qwen25VlConfig["text"]>>;

/** Towers of 16 and 15 % of all parameters; Qwen2.5-VL-3B's has 18 %. */
const towers = {
  "135M-seeing": { text: "135M", depth: 12, hiddenSize: 384, intermediateSize: 1024, numHeads: 6 },
  "0.5B-seeing": { text: "0.5B", depth: 16, hiddenSize: 640, intermediateSize: 1720, numHeads: 10 },
} as const;

/**
 * "peer" is the model of 1.15 million parameters in tools/peers, "small" has 0.9 million. Those that end in "seeing" have
 * 25 and 88 million parameters in a tower with windows of 112 pixels, of which every fourth block sees the whole picture.
 */
export type ModelSize = keyof typeof ofSizes | keyof typeof towers | "peer" | "small";

export function modelOfSize(size: ModelSize): Qwen25VlConfig {
  if (size === "small") return smallModelConfig;
  if (size === "peer")
    return readModelConfig(resolve(import.meta.dirname, "../../../../tools/peers/tiny-qwen2_5_vl")) as Qwen25VlConfig;
  if (isSeeing(size)) return withTower(size);
  const { text, vision } = smallModelConfig;
  const sizes = ofSizes[size];
  return {
    ...smallModelConfig,
    text: { ...text, headDim: 64, mropeSection: [8, 12, 12], maxPositionEmbeddings: 8192, ...sizes },
    vision: { ...vision, outHiddenSize: sizes.hiddenSize },
  };
}

const isSeeing = (size: ModelSize): size is keyof typeof towers => size in towers;

function withTower(size: keyof typeof towers): Qwen25VlConfig {
  const { text, depth, ...sizes } = towers[size];
  const config = modelOfSize(text);
  const fullAttentionBlocks = Array.from({ length: depth / 4 }, (_, i) => 4 * i + 3);
  return {
    ...config,
    vision: { ...config.vision, ...sizes, depth, headDim: 64, windowSize: 112, fullAttentionBlocks },
  };
}

/** Writes a checkpoint in float32 with random weights, by the selected backend. */
export async function writeModelOfSize(folder: string, size: ModelSize): Promise<void> {
  const config = modelOfSize(size);
  const policy = createVlm(config, randomWeights(config, { seed: 1 }));
  await policy.save(folder);
  policy.dispose();
}
