/** `decontaminate:` of a configuration: what a corpus is compared with, and how. */
import { nearest } from "@v-triune/errors";
import { DatasetError } from "@v-triune/schema";
import type { LookLimits } from "./picture-look";
import type { TextMethod } from "./text-index";

/** Files of your own, as a configuration states its sources. */
interface ComparedSource {
  /** An adapter's key. */
  readonly source: string;
  readonly path: string | readonly string[];
  readonly limit?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** What is compared, as a configuration states it. */
export interface DecontaminateConfig {
  /**
   * A file that says which benchmarks are where (`v-triune eval --benchmarks`). `curate` takes its questions as an
   * argument.
   */
  readonly benchmarks?: string;
  /** Files of your own, read by the source adapters. */
  readonly sources?: readonly ComparedSource[];
  /** `ngram` (default), `minhash`, either with its numbers, or false. */
  readonly text?:
    | false
    | "ngram"
    | "minhash"
    | {
        readonly method?: "ngram" | "minhash";
        /** Words of a run that both have. Default 13. */
        readonly n?: number;
        /** Jaccard similarity of word 3-grams. Default 0.8. */
        readonly similarity?: number;
        /** Questions of fewer words are not compared. Default 8. */
        readonly shortest?: number;
        /** A phrase that more different questions or texts have says nothing. Default 10. */
        readonly common?: number;
      };
  /** Whether pictures are compared, or the limits (picture-look.ts). Default true. */
  readonly pictures?: boolean | { readonly bits?: number; readonly difference?: number };
}

/** How texts and pictures are compared; null: not at all. */
export interface Comparison {
  readonly text: TextMethod | null;
  readonly pictures: (LookLimits & { readonly common: number }) | null;
}

const COMMON = 10;

/**
 * Checks the configuration and fills in the defaults.
 *
 * @throws DatasetError `bad-option` naming the key
 */
export function comparisonOf(config: DecontaminateConfig): Comparison {
  const known = ["benchmarks", "sources", "text", "pictures"];
  checkKeys(config, known, "decontaminate");
  if (config.benchmarks === undefined && (config.sources ?? []).length === 0)
    throw bad("decontaminate", "benchmarks: bench.yaml, or sources to compare with", "neither");
  const comparison = { text: textMethod(config.text ?? "ngram"), pictures: lookLimits(config.pictures ?? true) };
  if (comparison.text === null && comparison.pictures === null)
    throw bad("decontaminate", "texts or pictures to compare", "text: false and pictures: false");
  return comparison;
}

function textMethod(text: NonNullable<DecontaminateConfig["text"]>): TextMethod | null {
  if (text === false) return null;
  const field = "decontaminate.text";
  const given = typeof text === "string" ? { method: text } : text;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw bad(field, "ngram, minhash, {method, ..} or false", JSON.stringify(text));
  checkKeys(given, ["method", "n", "similarity", "shortest", "common"], field);
  const { method = "ngram", n = 13, similarity = 0.8, shortest = 8, common = COMMON } = given;
  if (method !== "ngram" && method !== "minhash") throw bad(`${field}.method`, "ngram or minhash", String(method));
  const unused = method === "ngram" ? "similarity" : "n";
  if (unused in given) throw bad(`${field}.${unused}`, `no such number for ${method}`, unused);
  whole(`${field}.n`, n, 4, 100);
  whole(`${field}.shortest`, shortest, 1, method === "ngram" ? n : 100);
  whole(`${field}.common`, common, 1, 1e6);
  if (!(typeof similarity === "number" && similarity > 0.4 && similarity <= 1))
    throw bad(`${field}.similarity`, "a number over 0.4, up to 1", String(similarity));
  return method === "ngram" ? { method, n, shortest, common } : { method, similarity, shortest, common };
}

function lookLimits(pictures: NonNullable<DecontaminateConfig["pictures"]>): Comparison["pictures"] {
  if (pictures === false) return null;
  const field = "decontaminate.pictures";
  const given = pictures === true ? {} : pictures;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw bad(field, "true, false or {bits, difference}", JSON.stringify(pictures));
  checkKeys(given, ["bits", "difference"], field);
  const { bits = 8, difference = 6 } = given;
  whole(`${field}.bits`, bits, 0, 20);
  if (!(typeof difference === "number" && difference >= 0 && difference <= 40))
    throw bad(`${field}.difference`, "a number 0..40", String(difference));
  return { bits, difference, common: COMMON };
}

function whole(field: string, value: unknown, least: number, most: number): void {
  if (!(Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most))
    throw bad(field, `a whole number ${least}..${most}`, String(value));
}

function checkKeys(value: object, known: readonly string[], prefix: string): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const fix = near === null ? undefined : `did you mean ${near}?`;
    throw bad(`${prefix}.${key}`, `one of ${known.join(", ")}`, key, fix);
  }
}

function bad(field: string, expected: string, found: string, fix?: string): DatasetError {
  return new DatasetError({ code: "bad-option", field, expected, found, fix });
}
