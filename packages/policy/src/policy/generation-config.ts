/** A model's generation_config.json: the default stop tokens and sampling settings. */
import { JsonReader } from "../config/json-reader";
import { modelConfigFrom } from "../families/model-families";
import type { ModelFiles } from "../files/model-files";

/** The part of generation_config.json that is used. Absent keys are those of transformers' `GenerationConfig`. */
export interface GenerationDefaults {
  /** Any of these ends a completion. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | undefined;
  readonly doSample: boolean;
  readonly temperature: number;
  /** 0 is off. */
  readonly topK: number;
  readonly topP: number;
  readonly repetitionPenalty: number;
}

/**
 * Reads generation_config.json; where it is absent or leaves the tokens out, those of config.json count.
 *
 * @throws ModelConfigError when a value is malformed
 */
export function generationConfigFrom(files: ModelFiles): GenerationDefaults {
  const model = modelConfigFrom(files);
  if (!files.has("generation_config.json")) {
    return {
      eosTokenIds: model.eosTokenIds,
      padTokenId: model.padTokenId,
      doSample: false,
      temperature: 1,
      topK: 50,
      topP: 1,
      repetitionPenalty: 1,
    };
  }
  const reader = JsonReader.open(files, "generation_config.json", "write it again");
  const eos = reader.values["eos_token_id"];
  return {
    eosTokenIds: !reader.has("eos_token_id")
      ? model.eosTokenIds
      : Array.isArray(eos)
        ? reader.counts("eos_token_id")
        : [reader.count("eos_token_id", undefined, 0)],
    padTokenId: reader.has("pad_token_id") ? reader.count("pad_token_id", undefined, 0) : model.padTokenId,
    doSample: reader.flag("do_sample", false),
    temperature: reader.positive("temperature", 1),
    topK: reader.count("top_k", 50, 0),
    topP: reader.positive("top_p", 1),
    repetitionPenalty: reader.positive("repetition_penalty", 1),
  };
}
