import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spectrumOf } from "./pass-spectrum";
import { spectrumSection } from "./spectrum-section";

describe("the pass@k spectrum", () => {
  it("counts rows by their number of right answers, and estimates pass@k without bias", () => {
    const spectrum = spectrumOf([
      { answers: 8, correct: 0, rows: 5 },
      { answers: 8, correct: 2, rows: 3 },
      { answers: 8, correct: 8, rows: 2 },
    ]);
    expect(spectrum.histograms).toEqual([{ answers: 8, rows: 10, right: [5, 0, 3, 0, 0, 0, 0, 0, 2] }]);
    // Of 8 answers with 2 right ones: 1 - C(6, k) / C(8, k).
    const ofTwo = [0.25, 1 - 15 / 28, 1 - 15 / 70, 1];
    expect(spectrum.passAt.map(({ k, rows }) => [k, rows])).toEqual([1, 2, 4, 8].map((k) => [k, 10]));
    for (const [index, { value }] of spectrum.passAt.entries()) expect(value).toBeCloseTo((3 * ofTwo[index]! + 2) / 10);
  });

  it("takes for each k the rows that have k answers", () => {
    const { histograms, passAt } = spectrumOf([
      { answers: 2, correct: 1, rows: 4 },
      { answers: 5, correct: 5, rows: 1 },
    ]);
    expect(histograms.map(({ answers, rows }) => [answers, rows])).toEqual([
      [2, 4],
      [5, 1],
    ]);
    expect(passAt).toEqual([
      { k: 1, rows: 5, value: (4 * 0.5 + 1) / 5 },
      { k: 2, rows: 5, value: 1 },
      { k: 4, rows: 1, value: 1 },
    ]);
  });

  it("never falls with k over the same rows", () => {
    const counts = fc.array(
      fc.record({
        answers: fc.constant(16),
        correct: fc.integer({ min: 0, max: 16 }),
        rows: fc.integer({ min: 1, max: 9 }),
      }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(counts, (list) => {
        const values = spectrumOf(list).passAt.map(({ value }) => value);
        for (const [index, value] of values.slice(1).entries())
          expect(value).toBeGreaterThanOrEqual(values[index]! - 1e-12);
      }),
    );
  });

  it("is on the page with its bars, and says when rows have different numbers of answers", () => {
    const rates = { rows: 5, answers: 2.6, passAt1: 0.6, passAtAll: 1, always: 0.2 };
    const even = spectrumOf([{ answers: 2, correct: 1, rows: 4 }]);
    const page = spectrumSection({ seen: { ...rates, spectrum: even } });
    expect(page).toContain("4 rows of 2");
    expect(page).toContain("pass@2 100.0 % (4 rows)");
    expect(page.match(/class="step"/g)).toHaveLength(3);
    expect(page).not.toContain("Rows have");
    const mixed = spectrumOf([
      { answers: 2, correct: 1, rows: 4 },
      { answers: 5, correct: 5, rows: 1 },
    ]);
    expect(spectrumSection({ blind: { ...rates, spectrum: mixed } })).toContain("Rows have 2 to 5 answers");
    // A report of an earlier version, and a source without answers.
    expect(spectrumSection({ seen: rates })).toBe("");
    expect(spectrumSection({})).toBe("");
  });
});
