/**
 * `text`: free text, as OCR and document questions judge it. The best of the gold answers counts.
 *
 *     exact   1 if equal after normalization
 *     anls    1 − NL if NL < 0.5 else 0,  NL = distance / max length          (Biten et al., arXiv 1905.13648)
 *     cer     max(0, 1 − distance / |gold|) over characters
 *     wer     the same over words
 *
 * Normalization: NFKC, lower case, white space joined, and without what only wraps a text: quotes, Markdown, LaTeX's
 * `\text` and escapes, a dot or exclamation mark at the end, commas between thousands. Accents, articles and hyphens
 * count. Where the answer stands is found as for `answer`, never in the thought: a text counts as equal at any place
 * that may be the answer, and distances are taken at the most deliberate one, over code points.
 *
 * `params`: `metric` (default exact), `answers` (further golds), `case_sensitive`.
 */
import { goldText } from "../answer/gold-text";
import { locate } from "../answer/locate/locate";
import { normalize, trimEdges } from "../answer/normalize/normalize";
import { paramsError, readerSchema } from "../answer/params-reader";
import { formatOf, type ShortAnswerOptions } from "../answer/short-answer-options";
import { onTexts } from "../answer/text-input";
import type { Verdict, Verifier, VerifierSample } from "../verifier";
import { editDistance } from "./edit-distance";

const params = readerSchema((reader) => ({
  metric: reader.word("metric", "exact", ["exact", "anls", "cer", "wer"]),
  answers: reader.strings("answers"),
  caseSensitive: reader.flag("case_sensitive", false),
}));

const ANLS_LIMIT = 0.5;
/** Longer texts are compared as they stand. */
const LONGEST_WRAPPED = 2000;

/**
 * Makes a text verifier.
 *
 * @example createTextVerifier().verify("<answer>Hello  world</answer>", { groundTruth: "hello world" }) // accuracy 1
 */
export function createTextVerifier(options: ShortAnswerOptions = {}): Verifier {
  const format = formatOf(options);
  return {
    name: options.name ?? "text",
    params,
    verify: onTexts((response, sample) => verifyText(response, sample, format)),
  };
}

/** The text verifier with its defaults. */
export const text: Verifier = createTextVerifier();

function verifyText(response: string, sample: VerifierSample, format: (response: string) => number): Verdict {
  const read = params.read(sample.params);
  if (read.issues !== undefined) return paramsError(read.issues);
  const { metric, answers, caseSensitive } = read.value;
  const bareOf = (text: string): string => bare(text, caseSensitive);
  const golds = unique([sample.groundTruth, ...answers].map(goldText));
  const goldForms = unique(golds.map(bareOf));
  if (goldForms.length === 0) return { status: "skipped", reason: "gold: empty" };
  // What is so much longer than every gold answer scores 0 by any metric.
  const longest = 2 * Math.max(...golds.map(({ length }) => length)) + LONGEST_WRAPPED;
  const found = unique(locate(response).places.map((place) => place.text)).filter(({ length }) => length <= longest);
  const foundForms = unique(found.map(bareOf));
  const asWritten = golds.map((gold) => joined(gold, caseSensitive));
  const isExact =
    foundForms.some((answer) => goldForms.includes(answer)) ||
    found.some((answer) => asWritten.includes(joined(answer, caseSensitive)));
  const scores = isExact
    ? [1]
    : metric === "exact"
      ? [0]
      : foundForms.slice(0, 1).flatMap((answer) => goldForms.map((gold) => similarity(metric, answer, gold)));
  const isUndecided = scores.includes(undefined);
  return {
    status: "scored",
    accuracy: isUndecided ? 0 : Math.max(0, ...(scores as number[])),
    format: format(response),
    metrics: { exact: isExact ? 1 : 0 },
    ...(isUndecided && { reason: "undecided" }),
  };
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].filter((text) => text !== "");

function joined(text: string, caseSensitive: boolean): string {
  const one = text.normalize("NFKC").replace(/\s+/g, " ").trim();
  return caseSensitive ? one : one.toLowerCase();
}

/** A text without what only wraps it. */
function bare(text: string, caseSensitive: boolean): string {
  if (text.length > LONGEST_WRAPPED) return joined(text, caseSensitive);
  const inside = normalize(text)
    .text.replace(/(?<=\d),(?=\d{3}(?!\d))/g, "")
    .replace(/\\([{}])/g, "$1");
  return joined(trimEdges(inside).replace(/(?<=[^.])[.!]$/, ""), caseSensitive);
}

function similarity(metric: "anls" | "cer" | "wer", answer: string, gold: string): number | undefined {
  const split = (value: string) => (metric === "wer" ? value.split(" ") : [...value]);
  const [found, expected] = [split(answer), split(gold)];
  const scale = metric === "anls" ? Math.max(found.length, expected.length) : expected.length;
  // A length that differs this much decides the score without the distance, so that a megabyte against a word costs
  // nothing.
  if (Math.abs(found.length - expected.length) >= scale * (metric === "anls" ? ANLS_LIMIT : 1)) return 0;
  const distance = editDistance(found, expected);
  if (distance === undefined) return undefined;
  const rate = distance / scale;
  return metric === "anls" && rate >= ANLS_LIMIT ? 0 : Math.max(0, 1 - rate);
}
