/** For benches: models by size, with the small tower of `smallModelConfig`. */
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

/** "peer" is the model of 1.15 million parameters in tools/peers, "small" has 0.9 million. */
export type ModelSize = keyof typeof ofSizes | "peer" | "small";

export function modelOfSize(size: ModelSize): Qwen25VlConfig {
  if (size === "small") return smallModelConfig;
  if (size === "peer")
    return readModelConfig(resolve(import.meta.dirname, "../../../../tools/peers/tiny-qwen2_5_vl")) as Qwen25VlConfig;
  const { text, vision } = smallModelConfig;
  const sizes = ofSizes[size];
  return {
    ...smallModelConfig,
    text: { ...text, headDim: 64, mropeSection: [8, 12, 12], maxPositionEmbeddings: 8192, ...sizes },
    vision: { ...vision, outHiddenSize: sizes.hiddenSize },
  };
}

/** Writes a checkpoint in float32 with random weights, by the selected backend. */
export async function writeModelOfSize(folder: string, size: ModelSize): Promise<void> {
  const config = modelOfSize(size);
  const policy = createVlm(config, randomWeights(config, { seed: 1 }));
  await policy.save(folder);
  policy.dispose();
}
