/**
 * In which convention an answer's boxes are read, and what repeats cost. The convention belongs to the model that
 * answers: Qwen2.5-VL writes pixels of the resized picture, later Qwen models thousandths. A person may override it,
 * and a sample may state its own.
 */
import type { Sample } from "@v-triune/schema";
import type { BoxConvention } from "@v-triune/verifiers";

export interface BoxNaming {
  /** Of a person, for every sample with boxes. */
  readonly override: BoxConvention | null;
  /** Of the model that answers; undefined if it is not known. */
  readonly model: BoxConvention | undefined;
  /** What a repeat of a box costs. Default: as the verifier is set. */
  readonly repeats?: "charge" | "free";
}

/**
 * The convention in which an answer to a sample is read.
 *
 * @returns undefined if nothing says so: boxes are compared as they are written
 */
export function boxConventionOf(sample: Sample, naming: BoxNaming | undefined): BoxConvention | undefined {
  const { boxes, det_verifier_normalized: normalized } = parametersOf(sample);
  if (naming?.override) return naming.override;
  if (boxes) return boxes;
  // Without this mark the gold boxes may be in any scale, so that the answer's are compared as they are written.
  if (normalized !== true) return undefined;
  return naming?.model ?? "resized-pixels";
}

/** What a request for a reward adds to the sample's own parameters. */
export function boxParameters(
  sample: Sample,
  naming: BoxNaming | undefined,
): { readonly boxes?: BoxConvention; readonly repeats?: "charge" | "free" } {
  const convention = boxConventionOf(sample, naming);
  const { boxes, det_verifier_normalized: normalized } = parametersOf(sample);
  // What det_verifier_normalized says already is not said again: V-Triune's rounding belongs to it.
  const isSaid = convention === boxes || (convention === "resized-pixels" && normalized === true && !naming?.override);
  return {
    ...(convention !== undefined && !isSaid && { boxes: convention }),
    ...(naming?.repeats !== undefined && sample.reward_model.verifier === "detection" && { repeats: naming.repeats }),
  };
}

type Parameters = Sample["reward_model"]["verifier_parm"] & { readonly boxes?: BoxConvention | null };

function parametersOf(sample: Sample): Parameters {
  return sample.reward_model.verifier_parm;
}
