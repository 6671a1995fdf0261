/**
 * Logits processors against transformers': cases.json {order_in_generate, logits, cases: [{logits, chain, scores,
 * probs}]}.
 */
import { basename, join } from "node:path";
import {
  banRepeatedNgrams,
  banTokens,
  keepMinP,
  keepTopK,
  keepTopP,
  penalizeRepetition,
  scaleByTemperature,
  softmax,
} from "../generation/logits-processors";
import { ParityError } from "../input-error";
import { ParityLedger, type ParityCheck, type ParityRow } from "./parity";
import { folderOf, peekJson, readReference } from "./reference-files";

const TOLERANCE = 1e-5;

type Value = number | "-Infinity" | readonly number[] | { readonly [key: string]: number };

interface GenerationCases {
  readonly order_in_generate: readonly string[];
  readonly logits: Readonly<
    Record<
      string,
      {
        readonly logits: readonly (readonly (number | "-Infinity")[])[];
        readonly input_ids: readonly (readonly number[])[];
      }
    >
  >;
  readonly cases: readonly {
    readonly logits: string;
    readonly chain: readonly (readonly [string, Value])[];
    readonly scores: readonly (readonly (number | "-Infinity")[])[];
    readonly probs: readonly (readonly number[])[];
  }[];
}

/** The check for `npm run parity`. */
export const generationParity: ParityCheck = {
  name: "logits processors",
  recognize: recognizeGeneration,
  check: checkGeneration,
};

/** Whether a folder or file holds reference values of logits processors. */
export function recognizeGeneration(path: string): boolean {
  const folder = folderOf(path);
  if (folder === undefined || (folder !== path && basename(path) !== "cases.json")) return false;
  const cases = peekJson(join(folder, "cases.json"));
  return Array.isArray(cases?.["order_in_generate"]) && Array.isArray(cases["cases"]);
}

/** @throws ParityError when the file is malformed or has an unknown processor */
export async function checkGeneration(path: string): Promise<ParityRow[]> {
  const file = join(folderOf(path) ?? path, "cases.json");
  const { logits, cases } = readReference<GenerationCases>(file, ["order_in_generate", "logits", "cases"]);
  const ledger = new ParityLedger();
  for (const { logits: set, chain, scores, probs } of cases) {
    const source = logits[set];
    if (!source)
      throw new ParityError({
        what: "A case of reference values names a set of logits that does not exist.",
        where: file,
        found: set,
      });
    source.logits.forEach((row, r) => {
      const values = Float32Array.from(row, Number);
      for (const [name, value] of chain) apply(values, name, value, source.input_ids[r]!, file);
      const expected = Float32Array.from(scores[r]!, Number);
      const where = `${set}, row ${r}, ${JSON.stringify(chain)}`;
      // Which of equal logits stays at top-p's limit is up to a sort: compared as sets of values.
      const ties = new Set(row).size < row.length;
      const [actual, wanted] = ties ? [values.slice().sort(), expected.slice().sort()] : [values, expected];
      ledger.exact(
        "tokens that are kept",
        actual.every((score, i) => Number.isFinite(score) === Number.isFinite(wanted[i]!)),
        where,
      );
      const [p, q] = ties
        ? [softmax(values).sort(), Float64Array.from(probs[r]!).sort()]
        : [softmax(values), Float64Array.from(probs[r]!)];
      actual.forEach((score, i) => {
        if (Number.isFinite(score) && Number.isFinite(wanted[i]!))
          ledger.compare("scores", Math.abs(score - wanted[i]!), TOLERANCE, where);
        ledger.compare("probabilities", Math.abs(p[i]! - q[i]!), TOLERANCE, where);
      });
    });
  }
  return ledger.rows();
}

function apply(values: Float32Array, name: string, value: Value, tokens: readonly number[], file: string): void {
  const { least, size } = setting(name, value);
  switch (name) {
    case "temperature":
      return scaleByTemperature(values, size);
    case "top_k":
      return keepTopK(values, size, least);
    case "top_p":
      return size < 1 ? keepTopP(values, size, least) : undefined;
    case "min_p":
      return keepMinP(values, size, least);
    case "repetition_penalty":
      return penalizeRepetition(values, tokens, size);
    case "no_repeat_ngram_size":
      return banRepeatedNgrams(values, tokens, size);
    case "suppress_tokens":
      return banTokens(values, value as readonly number[]);
    default:
      throw new ParityError({
        what: "A case of reference values uses an unknown logits processor.",
        where: file,
        found: name,
      });
  }
}

function setting(name: string, value: Value): { size: number; least: number } {
  if (typeof value === "number") return { size: value, least: 1 };
  const record = value as { readonly [key: string]: number };
  return { size: record[name] ?? NaN, least: record["min_tokens_to_keep"] ?? 1 };
}
