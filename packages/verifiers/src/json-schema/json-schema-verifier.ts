/**
 * `json-schema`: structured output. Right if the answer is JSON that fits `params.schema` and, where the gold is not
 * empty, equals the gold (objects regardless of the order of keys). The JSON may stand in a Markdown fence or in prose;
 * the last one that can be read counts, and never one in the thought.
 */
import { paramsError } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import { paramsSchema, type ParamsResult } from "../standard-schema";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { findJson } from "./find-json";
import { SchemaBudgetError, SchemaError, checkSchema, fitsSchema, sameJson, type Json } from "./validate-schema";

/**
 * Makes a JSON-Schema verifier.
 *
 * @example createJsonSchemaVerifier().verify('{"n": 3}', { groundTruth: "", params: { schema: { type: "object", required: ["n"] } } }) // accuracy 1
 */
export function createJsonSchemaVerifier(options: ShortAnswerOptions = {}): Verifier {
  const format = formatOf(options);
  return {
    name: options.name ?? "json-schema",
    params: paramsSchema(readParams),
    verify: onTexts((response, sample) => verifyJson(response, sample, format)),
  };
}

/** The JSON-Schema verifier with its defaults. */
export const jsonSchema: Verifier = createJsonSchemaVerifier();

function readParams(value: unknown): ParamsResult<{ schema: Json }> {
  const schema: unknown = (value as { schema?: unknown } | null | undefined)?.schema;
  if (schema === undefined || schema === null)
    return { issues: [{ path: ["schema"], message: "schema: a JSON Schema expected, found nothing" }] };
  try {
    checkSchema(schema);
    return { value: { schema } };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return { issues: [{ path: ["schema"], message: `schema: ${error.message}` }] };
  }
}

function verifyJson(response: string, sample: VerifierSample, format: (response: string) => number): Verdict {
  const read = readParams(sample.params);
  if (read.issues !== undefined) return paramsError(read.issues);
  const { schema } = read.value;
  const gold = sample.groundTruth.trim() === "" ? undefined : findJson(sample.groundTruth);
  if (sample.groundTruth.trim() !== "" && gold === undefined) return { status: "skipped", reason: "gold: not JSON" };
  const answer = findJson(response);
  const scored = (accuracy: number, valid: number, parsed: number): Extract<Verdict, { status: "scored" }> => ({
    status: "scored",
    accuracy,
    format: format(response),
    metrics: { json: parsed, valid },
  });
  if (answer === undefined) return scored(0, 0, 0);
  try {
    const valid = fitsSchema(answer.value, schema);
    const equal = gold === undefined || sameJson(gold.value, answer.value);
    return scored(valid && equal ? 1 : 0, valid ? 1 : 0, 1);
  } catch (error) {
    if (error instanceof SchemaBudgetError) return { ...scored(0, 0, 1), reason: "undecided" };
    throw error;
  }
}
