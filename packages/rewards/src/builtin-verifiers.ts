/**
 * All verifiers of `@v-triune/verifiers`. As a module of its own, so that isolated workers can load it by name:
 * `{ module: "@v-triune/rewards/builtin-verifiers" }`.
 */
import { KNOWN_VERIFIERS, type KnownVerifier } from "@v-triune/schema/reward-defaults";
import {
  answer,
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
import { readingGoldsWhole } from "./whole-gold";

/** Settings of the built-in verifiers; plain data, so that they reach a worker. */
export interface BuiltinVerifierOptions {
  readonly detection?: DetectionVerifierOptions;
  /**
   * `asWritten`: `mathverify` searches its gold answers for an answer, as the original does. Default `whole`, see
   * whole-gold.ts.
   */
  readonly golds?: "whole" | "asWritten";
}

/** The verifiers that samples know by name, `KNOWN_VERIFIERS` of `@v-triune/schema`. */
export default function builtinVerifiers(options: BuiltinVerifierOptions = {}): Verifier[] {
  const byName: Readonly<Record<KnownVerifier, Verifier>> = {
    mathverify: options.golds === "asWritten" ? mathverify : readingGoldsWhole(mathverify),
    detection: createDetectionVerifier(options.detection),
    answer,
    choice,
    text,
    number,
    point,
    "json-schema": jsonSchema,
  };
  return KNOWN_VERIFIERS.map((name) => byName[name]);
}
