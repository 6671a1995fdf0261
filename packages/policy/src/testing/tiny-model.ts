/** Small models and pictures for tests and benches. */
import type { VlmConfig } from "../config/model-config";
import type { Qwen25VlConfig } from "../families/qwen2-5-vl/config";
import type { VisualInput } from "../vision/visual-input";

/** 4 layers of width 128 with 4 heads (2 for keys and values), a vision tower of 3 blocks of width 96. */
export function benchmarkConfig(sizes: { vocabSize: number; intermediateSize: number }): Qwen25VlConfig {
  return {
    modelType: "qwen2_5_vl",
    text: {
      hiddenSize: 128,
      intermediateSize: sizes.intermediateSize,
      numLayers: 4,
      numHeads: 4,
      numKeyValueHeads: 2,
      headDim: 32,
      vocabSize: sizes.vocabSize,
      maxPositionEmbeddings: 4096,
      rmsNormEps: 1e-6,
      ropeTheta: 1e4,
      mropeSection: [4, 6, 6],
      initializerRange: 0.02,
    },
    vision: {
      depth: 3,
      hiddenSize: 96,
      intermediateSize: 192,
      numHeads: 3,
      headDim: 32,
      outHiddenSize: 128,
      inChannels: 3,
      patchSize: 14,
      temporalPatchSize: 2,
      spatialMergeSize: 2,
      windowSize: 56,
      fullAttentionBlocks: [1],
      tokensPerSecond: 2,
      ropeTheta: 1e4,
    },
    tieWordEmbeddings: true,
    imageTokenId: 5,
    videoTokenId: 6,
    visionStartTokenId: 3,
    visionEndTokenId: 4,
    eosTokenIds: [2],
    bosTokenId: 1,
    padTokenId: 0,
  };
}

/** SmolLM2-135M's language model (30 layers of width 576) with the small tower. */
export function smallLanguageModel(): Qwen25VlConfig {
  const base = benchmarkConfig({ vocabSize: 49_152, intermediateSize: 1536 });
  return {
    ...base,
    text: {
      ...base.text,
      hiddenSize: 576,
      numLayers: 30,
      numHeads: 9,
      numKeyValueHeads: 3,
      headDim: 64,
      mropeSection: [8, 12, 12],
    },
    vision: { ...base.vision, outHiddenSize: 576 },
  };
}

/**
 * Qwen2.5-VL's vocabulary on two layers of width 64: 9.8 million parameters, more than are decoded by this package's
 * kernels on the native backend.
 */
export function largeVocabularyConfig(): Qwen25VlConfig {
  const config = benchmarkConfig({ vocabSize: 151_936, intermediateSize: 128 });
  return {
    ...config,
    text: { ...config.text, hiddenSize: 64, numLayers: 2, headDim: 16, mropeSection: [2, 3, 3] },
    vision: { ...config.vision, outHiddenSize: 64 },
  };
}

/** A picture of `height` × `width` patches with smooth values that depend on `seed`. */
export function gridPicture(config: VlmConfig, height: number, width: number, seed: number): VisualInput {
  const { inChannels, temporalPatchSize, patchSize } = config.vision;
  const pixelValues = Float32Array.from(
    { length: height * width * inChannels * temporalPatchSize * patchSize ** 2 },
    (_, i) => Math.sin(0.37 * i + 1.7 * seed),
  );
  return { pixelValues, gridThw: [[1, height, width]] };
}

/** The smallest model that has everything: two layers, windows, grouped queries, odd sizes. */
export function tinyConfig(): Qwen25VlConfig {
  const config = benchmarkConfig({ vocabSize: 60, intermediateSize: 21 });
  return {
    ...config,
    text: {
      ...config.text,
      hiddenSize: 24,
      numLayers: 2,
      headDim: 6,
      maxPositionEmbeddings: 256,
      mropeSection: [1, 1, 1],
    },
    vision: {
      ...config.vision,
      depth: 2,
      hiddenSize: 16,
      intermediateSize: 11,
      numHeads: 2,
      headDim: 8,
      outHiddenSize: 24,
    },
  };
}
