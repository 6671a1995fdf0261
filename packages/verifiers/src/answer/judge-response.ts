/**
 * The places of a response tried in their order, for every verifier that reads an answer from prose: the first place
 * that can be read as an answer of the right kind decides, and a place that is too wide to be a value counts only if it
 * is the gold answer word for word.
 */
import type { Comparison } from "./compare/comparison";
import { locate } from "./locate/locate";
import type { How } from "./locate/place";
import { normalize, type Normalized } from "./normalize/normalize";

/** A text with what each step of normalization made of it. */
export interface ExplainedText {
  /** As written. */
  readonly text: string;
  /** As read. */
  readonly normalized: string;
  readonly steps: Normalized["steps"];
}

/** One place of the response and what came of it. */
export interface ExplainedPlace extends ExplainedText {
  readonly how: How;
  /** Offsets in the response: from `start` up to `end`. */
  readonly start: number;
  readonly end: number;
  /** How it was read and compared; absent when it could not be read as an answer to this gold. */
  readonly comparison?: Comparison;
}

/** How a located text compares with the gold answer; undefined where it cannot be read as an answer of that kind. */
export type Compare = (answer: Normalized) => Comparison | undefined;

export interface Judged {
  /** The comparison that decided. */
  readonly comparison?: Comparison;
  /** Why there is none. */
  readonly reason?: string;
  /** What the scope was cut by: a thought, a tag. */
  readonly cuts: readonly string[];
  /** The places that were looked at, in order; the last one decided. */
  readonly places: readonly ExplainedPlace[];
}

/**
 * Judges a response by the places that it says its answer at.
 *
 * @param compare reads a place and compares it
 * @param compareVerbatim compares a wide place, word for word
 */
export function judgeResponse(response: string, compare: Compare, compareVerbatim: Compare): Judged {
  const { scope, places, reason } = locate(response);
  const looked: ExplainedPlace[] = [];
  let decided: Comparison | undefined;
  for (const place of places) {
    const normalized = normalize(place.text);
    const comparison = place.isVerbatim
      ? compareVerbatim(normalized)
      : decided === undefined
        ? compare(normalized)
        : undefined;
    looked.push({
      text: place.text,
      normalized: normalized.text,
      steps: normalized.steps,
      how: place.how,
      start: place.start,
      end: place.end,
      ...(comparison && { comparison }),
    });
    if (comparison?.equal) return { comparison, cuts: scope.cuts, places: looked };
    decided ??= comparison;
  }
  return {
    ...(decided === undefined ? reason !== undefined && { reason } : { comparison: decided }),
    cuts: scope.cuts,
    places: looked,
  };
}
