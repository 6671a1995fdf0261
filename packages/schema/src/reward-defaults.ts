/**
 * What a sample's reward definition means where it leaves something out, and the names that it may use. Imports
 * nothing.
 */

/** α_acc of a sample that states none. */
export const DEFAULT_ACCURACY_RATIO = 1.0;
/** α_fmt of a sample that states none. */
export const DEFAULT_FORMAT_RATIO = 0.1;

/** The verifiers that ship with V-Triune, by the name that `reward_model.verifier` carries. */
export const KNOWN_VERIFIERS = [
  "mathverify",
  "detection",
  "answer",
  "choice",
  "text",
  "number",
  "point",
  "json-schema",
] as const satisfies readonly string[];
export type KnownVerifier = (typeof KNOWN_VERIFIERS)[number];
