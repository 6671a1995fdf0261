import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse, stringTarget } from "./index";
import { comparePairs } from "./parity";

const ROOT = resolve(fileURLToPath(import.meta.url), "../../../../..");
const OWN = resolve(ROOT, "tools/goldens/math-verify");
const SHARED = resolve(ROOT, "../shared/golden/math-verify");

/** Corpus files carry Python's infinities. */
const load = (file: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(file, "utf8").replace(/-?\bInfinity\b|\bNaN\b/g, "null"));

describe("agreement with Math-Verify 0.9", () => {
  it.each([
    ["pairs.json", 800],
    ["written.json", 3000],
    ["arithmetic.json", 1000],
    ["options.json", 1500],
  ])("holds on every pair of this project's own table %s", (name, least) => {
    const result = comparePairs(load(resolve(OWN, name)));
    expect(result.pairs).toBeGreaterThan(least);
    expect(result.differences).toEqual([]);
  });

  it("ends where docs/math-verify-differences.md says", () => {
    const { pairs, agreement } = comparePairs(load(resolve(OWN, "differences.json")));
    expect(pairs).toBeGreaterThan(30);
    expect(agreement).toBe(0);
  });

  it("refuses what is no list of pairs, and passes over rows without a gold answer", () => {
    expect(() => comparePairs({ gold: "1" })).toThrow(/expected a list of \{gold, pred, expected\}, found object/);
    expect(comparePairs([{ gold: null, pred: "x", expected: 1 }])).toEqual({ pairs: 0, agreement: 1, differences: [] });
    expect(comparePairs([{ gold: "1", pred: "2", expected: 1 }])).toMatchObject({
      pairs: 1,
      agreement: 0,
      differences: [{ index: 0, actual: false }],
    });
  });
});

if (!existsSync(SHARED))
  console.warn(`parity.test: the package tests of Math-Verify are left out, ${SHARED} is missing`);

describe.skipIf(!existsSync(SHARED))("the reference's own tests", () => {
  it.each(["cases.json", "cross_500.json"])("%s: every verdict", (name) => {
    const result = comparePairs(load(resolve(SHARED, name)));
    expect(result.pairs).toBeGreaterThanOrEqual(270);
    expect(result.differences).toEqual([]);
  });

  it("cases.json: the words found", () => {
    const rows = load(resolve(SHARED, "cases.json")).filter((row) => row["gold"] === null) as {
      pred: string;
      expected: string[];
      options: { config: { py: string } };
    }[];
    expect(rows.length).toBe(7);
    for (const row of rows) {
      const strings = /strings=\('(\w)',\)/.exec(row.options.config.py)?.[1];
      const target = stringTarget({
        ...(strings === undefined ? {} : { strings: [strings] }),
        lowercase: !row.options.config.py.includes("lowercase=False"),
      });
      expect(parse(row.pred, { targets: [target] })).toEqual(row.expected);
    }
  });

  it("latex_strings_500.json: each equals itself, three aside that no delimiters can hold", () => {
    const rows = load(resolve(SHARED, "latex_strings_500.json")) as { latex: string }[];
    const result = comparePairs(rows.map(({ latex }) => ({ gold: `$${latex}$`, pred: `$${latex}$`, expected: 1 })));
    // A formula over several lines, `\$` before the closing dollar, and `\$$`: the reference finds nothing in them
    // either.
    expect(result.differences.map(({ gold }) => gold.trim().slice(0, 3)).sort()).toEqual(
      ["$\n ", "$\\$", "$\\$"].sort(),
    );
  });
});
