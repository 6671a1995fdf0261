import {
  choice,
  createDetectionVerifier,
  jsonSchema,
  mathverify,
  number,
  point,
  text,
  type DetectionVerifierOptions,
  type Verifier,
} from "@v-triune/verifiers";

/** Settings of the built-in verifiers; plain data, so that they reach a worker. */
export interface BuiltinVerifierOptions {
  readonly detection?: DetectionVerifierOptions;
}

/**
 * All verifiers of `@v-triune/verifiers`: mathverify, detection, choice, text, number, point, json-schema.
 *
 * As a module of its own, so that isolated workers can load it by name: `{ module: "@v-triune/rewards/builtin-verifiers" }`.
 */
export default function builtinVerifiers(options: BuiltinVerifierOptions = {}): Verifier[] {
  return [mathverify, createDetectionVerifier(options.detection), choice, text, number, point, jsonSchema];
}
