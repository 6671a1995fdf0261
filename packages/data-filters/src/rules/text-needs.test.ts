import fc from "fast-check";
import { expect, it } from "vitest";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { loadLanguageIdentifier } from "../workers/identify-language";
import { TEXT_OF } from "./text-needs";

it("identifies the same language for questions that differ in their digits", async () => {
  const identify = await loadLanguageIdentifier();
  const words = [
    "how",
    "many",
    "cubes",
    "Würfel",
    "combien",
    "don't",
    "l'eau",
    "这家",
    "店",
    "x2",
    "$3x$",
    "\\frac",
    "<b>",
    "'",
    "’",
    '"',
    "“7”",
    "`",
    "7",
    "2015",
    "3.5",
    "0",
    ",",
    "?",
    "https://a.de/1",
  ];
  const question = fc
    .array(fc.tuple(fc.constantFrom(...words), fc.constantFrom("", " ", "1", "23 ")), { maxLength: 60 })
    .map((parts) => parts.flat().join(""));
  const questions = [
    ...fc.sample(question, { numRuns: 400, seed: 5 }),
    `${"Wie viele 12 ".repeat(30)}${"and ".repeat(400)}`,
  ];
  const list = `unnest([${questions.map(literal).join(", ")}])`;
  const rows = await withDatabase({}, (c) =>
    queryRows(c, `SELECT question, ${TEXT_OF.language} AS text FROM (SELECT ${list} AS question)`),
  );
  expect(rows.map(({ text }) => identify(String(text)))).toEqual(questions.map(identify));
  expect(new Set(rows.map(({ text }) => text)).size).toBeLessThan(questions.length);
});
