/**
 * `json-schema`: structured output. Right if the answer is JSON that fits `params.schema` and, where the gold is not empty, equals
 * the gold (objects regardless of the order of keys). The JSON may stand in a Markdown fence.
 */
import { finalAnswer } from "../answer/final-answer";
import { paramsError } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import { paramsSchema, type ParamsResult } from "../standard-schema";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { SchemaBudgetError, SchemaError, checkSchema, fitsSchema, sameJson, type Json } from "./validate-schema";

const DEEPEST_ANSWER = 100;

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
  const gold = sample.groundTruth.trim() === "" ? undefined : parseJson(finalAnswer(sample.groundTruth));
  if (gold !== undefined && "broken" in gold) return { status: "skipped", reason: "gold: not JSON" };
  const answer = parseJson(finalAnswer(response));
  const scored = (accuracy: number, valid: number, parsed: number): Extract<Verdict, { status: "scored" }> => ({
    status: "scored",
    accuracy,
    format: format(response),
    metrics: { json: parsed, valid },
  });
  if ("broken" in answer) return scored(0, 0, 0);
  try {
    const valid = fitsSchema(answer.value, schema);
    const equal = gold === undefined || sameJson(gold.value, answer.value);
    return scored(valid && equal ? 1 : 0, valid ? 1 : 0, 1);
  } catch (error) {
    if (error instanceof SchemaBudgetError) return { ...scored(0, 0, 1), reason: "undecided" };
    throw error;
  }
}

/** JSON of a text, fenced or not. Values nested deeper than an answer ever is count as broken, so that recursion stays shallow. */
function parseJson(text: string): { readonly value: Json } | { readonly broken: true } {
  const open = text.indexOf("```");
  const close = text.lastIndexOf("```");
  const body = open === -1 || close <= open ? text : text.slice(open + 3, close).replace(/^json\b/i, "");
  if (deeperThan(body, DEEPEST_ANSWER)) return { broken: true };
  try {
    return { value: JSON.parse(body) as Json };
  } catch {
    return { broken: true };
  }
}

function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > limit) return true;
  }
  return false;
}
