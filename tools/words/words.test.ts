import { expect, test } from "vitest";
import { checkWords } from "./check-words";
import { findPhrases, findSpellings } from "./find-words";

test.each([
  ["normalised", "normalized"],
  ["unnormalised", "unnormalized"],
  ["tokenisers", "tokenizers"],
  ["optimisation", "optimization"],
  ["recognising", "recognizing"],
  ["serialisable", "serializable"],
  ["analysed", "analyzed"],
  ["colours", "colors"],
  ["behaviour", "behavior"],
  ["neighbouring", "neighboring"],
  ["greyscale", "grayscale"],
  ["licence", "license"],
  ["centred", "centered"],
  ["centres", "centers"],
  ["mislabelled", "mislabeled"],
  ["modelling", "modeling"],
  ["judgement", "judgment"],
  ["artefacts", "artifacts"],
])("%s is found, and written %s", (british, american) => {
  expect(findSpellings(british)).toEqual([{ line: 1, found: british, instead: american }]);
  expect(findSpellings(american)).toEqual([]);
});

test.each([
  "emphasis, analysis, analyses, promise, precise, otherwise, exercise, parallelism, optimistic, specialist, minimis",
  "exceptional, four, hour, tour, contour, journal, they, obey, prey, dialogue, controlled, install, installed",
  'sharp.toColourspace("srgb"), pipelineColourspace, aria-labelledby',
])("%s: nothing is found", (text) => {
  expect(findSpellings(text)).toEqual([]);
});

test("a spelling is found inside names, with its line", () => {
  expect(findSpellings("const a = 1;\nexport const normaliseByStd = COLOURS;\n")).toEqual([
    { line: 2, found: "normalise", instead: "normalize" },
    { line: 2, found: "COLOURS", instead: "colors" },
  ]);
});

test("a phrase is found across the lines of a comment, and not inside words", () => {
  expect(findPhrases("/**\n * Points; all unless\n * told.\n */")).toEqual([
    { line: 2, found: "unless told", instead: "Default .." },
  ]);
  expect(findPhrases("// It is not\n// there yet.")).toMatchObject([{ line: 1, found: "is not there" }]);
  expect(findPhrases("recommended; a new one; nothing is nonempty; if x is None; 0 if there is none")).toEqual([]);
});

const rules = { unfinished: { spelling: [], phrasing: [] }, kept: [] };

test("a problem names file, line and what to write", () => {
  const files = new Map([["packages/a/src/x.ts", "\n// The colour, red unless told."]]);
  expect(checkWords(files, rules)).toEqual([
    'packages/a/src/x.ts:2: "colour"\n  fix: write color (docs/words.md)',
    'packages/a/src/x.ts:2: "unless told"\n  fix: write Default .. (docs/words.md)',
  ]);
});

test("an unfinished folder is not reported, until nothing is left in it", () => {
  const unfinished = { spelling: ["packages/a", "packages/b"], phrasing: [] };
  const files = new Map([["packages/a/x.ts", "colour"]]);
  expect(checkWords(files, { ...rules, unfinished })).toEqual([
    "packages/b: its spelling needs no exception any more.\n  fix: remove it from UNFINISHED in tools/check-words.ts",
  ]);
});

test("a kept word is allowed in its files only, and reported when it is gone", () => {
  const kept = [{ word: "normalised", files: /^packages\/a\//, reason: "a key of the configuration" }];
  expect(checkWords(new Map([["packages/a/x.ts", "normalised"]]), { ...rules, kept })).toEqual([]);
  expect(checkWords(new Map([["packages/b/x.ts", "normalised"]]), { ...rules, kept })).toEqual([
    'packages/b/x.ts:1: "normalised"\n  fix: write normalized (docs/words.md)',
    expect.stringContaining("is not in"),
  ]);
});
