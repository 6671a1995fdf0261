/**
 * What every model family's config.json comes down to: the sizes of a language model and of a vision tower, and the ids
 * of special tokens. A family's folder adds what only its tower has (../families).
 */

/** The language model. */
export interface TextConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  /** hiddenSize / numHeads, unless the family states another (Qwen3-VL). */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly maxPositionEmbeddings: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** The number of the headDim / 2 rotary frequencies that follow time, height and width. */
  readonly mropeSection: readonly [number, number, number];
  /**
   * How the sections lie: one after another (Qwen2-VL, Qwen2.5-VL), or height at 1, 4, 7, .. and width at 2, 5, 8, ..
   * with time in between (Qwen3-VL). Default false.
   */
  readonly mropeInterleaved?: boolean;
  /** Whether q, k, v and o have biases where the family has none (Qwen3-VL). Default false. */
  readonly attentionBias?: boolean;
  readonly initializerRange: number;
}

/** The vision tower, as far as all families have it. */
export interface VisionConfig {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHeads: number;
  /** hiddenSize / numHeads. */
  readonly headDim: number;
  /** Width of the merger's output, the language model's hiddenSize. */
  readonly outHiddenSize: number;
  readonly inChannels: number;
  readonly patchSize: number;
  readonly temporalPatchSize: number;
  readonly spatialMergeSize: number;
  readonly ropeTheta: number;
}

/** A vision-language model's configuration, normalized. */
export interface VlmConfig<Vision extends VisionConfig = VisionConfig> {
  /** Names the family, as `model_type` of config.json does. */
  readonly modelType: string;
  readonly text: TextConfig;
  readonly vision: Vision;
  readonly tieWordEmbeddings: boolean;
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
  /** End-of-sequence tokens of config.json; `readGenerationConfig` has what generation stops at. */
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId: number | undefined;
  readonly padTokenId: number | undefined;
}
