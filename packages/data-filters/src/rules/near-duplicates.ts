/**
 * Rules against rows that are nearly the same as an earlier one. Both are SQL joins over few candidates instead of all
 * pairs.
 *
 * Pictures: 64-bit difference hashes that differ in at most `bits` bits. By the pigeonhole principle two such hashes
 * agree in one of `bits + 1` bands, so only rows that share a band are compared.
 *
 * Text: MinHash (Broder 1997) over word 3-grams with 64 hash functions in 16 bands of 4 (LSH). Rows that share a band
 * are compared by their share of equal minima, which estimates their Jaccard similarity.
 */
import { DatasetError } from "@v-triune/schema";
import type { FilterRule } from "./filter-rule";

/** Drops a row that has the question of an earlier row of its task, and pictures that look the same. */
export function nearDuplicatePicture({
  bits = 3,
  sameQuestion = true,
}: { bits?: number; sameQuestion?: boolean } = {}): FilterRule {
  if (!Number.isInteger(bits) || bits < 0 || bits > 7) {
    throw new DatasetError({
      code: "bad-option",
      field: "rules.near-duplicate-picture.bits",
      expected: "a whole number 0..7",
      found: String(bits),
    });
  }
  const bands = bits + 1;
  const width = Math.ceil(16 / bands);
  return {
    name: "near-duplicate-picture",
    reason:
      `an earlier row's picture looks the same (hashes differ in at most ${bits} of 64 bits)` +
      (sameQuestion ? " and is asked the same" : ""),
    scope: "set",
    needs: ["hash"],
    parameters: { bits, sameQuestion },
    query: true,
    sql: ({ relation }) => `
      WITH hashes AS (SELECT row, task, picture_hash AS h, lower(trim(question)) AS q
          FROM ${relation} WHERE length(picture_hash) = 16),
        bands AS (SELECT *, band, substr(h, band * ${width} + 1, ${width}) AS piece
          FROM hashes, range(0, ${bands}) r(band))
      SELECT DISTINCT b.row FROM bands a JOIN bands b
        ON a.task = b.task AND a.band = b.band AND a.piece = b.piece AND a.row < b.row
      WHERE ${sameQuestion ? "a.q = b.q AND " : ""}
        bit_count(xor(('0x' || a.h)::UBIGINT, ('0x' || b.h)::UBIGINT)) <= ${bits}`,
  };
}

const HASHES = 64;
const BANDS = 16;

/** Drops a row whose question is nearly that of an earlier row of its task with the same answer. */
export function nearDuplicateText({ similarity = 0.8 }: { similarity?: number } = {}): FilterRule {
  const perBand = HASHES / BANDS;
  return {
    name: "near-duplicate-text",
    reason: `an earlier row with the same answer asks nearly the same (similarity of at least ${similarity})`,
    scope: "set",
    tasks: ["math", "puzzle", "science", "chart", "ocr"],
    parameters: { similarity },
    query: true,
    sql: ({ relation }) => String.raw`
      WITH words AS (SELECT row, task, answer, string_split_regex(lower(trim(question)), '\s+') AS w FROM ${relation}),
        grams AS (SELECT row, task, answer, CASE WHEN len(w) < 3 THEN [array_to_string(w, ' ')]
          ELSE list_transform(range(1, len(w) - 1), lambda i: concat_ws(' ', w[i], w[i + 1], w[i + 2])) END AS g
          FROM words),
        minima AS (SELECT row, task, answer,
          list_transform(range(0, ${HASHES}), lambda k: list_min(list_transform(g, lambda x: hash(x, k)))) AS m
          FROM grams),
        bands AS (SELECT row, task, answer, m, band,
          hash(list_slice(m, band * ${perBand} + 1, (band + 1) * ${perBand})) AS piece
          FROM minima, range(0, ${BANDS}) r(band))
      SELECT DISTINCT b.row FROM bands a JOIN bands b
        ON a.task = b.task AND a.answer = b.answer AND a.band = b.band AND a.piece = b.piece AND a.row < b.row
      WHERE len(list_filter(list_zip(a.m, b.m), lambda p: p[1] = p[2])) >= ${similarity * HASHES}`,
  };
}
