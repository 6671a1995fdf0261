/**
 * What a run needs in the memory of its own machine where the model lies on a training server. Nothing of the model is
 * counted: no weights, gradients, moments or activations are here.
 *
 *   process    Node, DuckDB's and the loop's own
 *   rows       of a step: eight numbers per position, as requests and replies have them, and a request's text
 *   pictures   of a step and of the next, which is prepared ahead: patches as float32, and the file, at most as large as its
 *              pixels, in base64
 */
import type { VlmConfig } from "@v-triune/policy";
import type { TrainingConfig } from "../config/training-config";
import { answerTokens } from "../model/memory-estimate";

/** In bytes. */
export interface ClientMemory {
  readonly process: number;
  readonly rows: number;
  readonly pictures: number;
  readonly total: number;
}

const PROCESS_BYTES = 0.6e9;
const ROW_BYTES = 8 * 8;
/** Largest text of a request, its copy in bytes, and the same of a reply. */
const REQUEST_BYTES = 4 * 5e6;
const PREPARED_STEPS = 2;

/** @param longest tokens of the longest prompt, and how many of them are of pictures */
export function estimateClientMemory(
  { rollout }: Pick<TrainingConfig, "rollout">,
  { vision }: Pick<VlmConfig, "vision">,
  longest: { readonly tokens: number; readonly pictureTokens: number },
): ClientMemory {
  const { promptsPerStep, n } = rollout;
  const positions = promptsPerStep * n * (longest.tokens + answerTokens(rollout));
  const patches = PREPARED_STEPS * promptsPerStep * longest.pictureTokens * vision.spatialMergeSize ** 2;
  const pixels = vision.inChannels * vision.patchSize ** 2;
  const rows = ROW_BYTES * positions + REQUEST_BYTES;
  const pictures = patches * pixels * (4 * vision.temporalPatchSize + 4 / 3);
  return { process: PROCESS_BYTES, rows, pictures, total: PROCESS_BYTES + rows + pictures };
}
