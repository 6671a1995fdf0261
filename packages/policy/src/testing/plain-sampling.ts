/** For tests: draws from the logits as they are. */
import type { SamplingParameters } from "../generation/sampler";

export const plainSampling: SamplingParameters = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  noRepeatNgramSize: 0,
  bannedTokenIds: [],
};
