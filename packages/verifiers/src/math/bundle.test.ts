import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { bundle } from "../testing/bundle";
import type * as math from "./index";

it("is less than 80 KB, minified", () => {
  const { outputFiles, warnings } = bundle(new URL("index.ts", import.meta.url), { minify: true });
  expect(outputFiles[0]!.contents.length).toBeLessThan(80_000);
  expect(warnings).toEqual([]);
});

it("needs nothing of Node: the minified bundle judges in a context that has only the language", () => {
  const { outputFiles } = bundle(new URL("index.ts", import.meta.url), {
    minify: true,
    format: "iife",
    globalName: "math",
  });
  const answers = runInNewContext(
    [
      outputFiles[0]!.text,
      String.raw`const half = math.verify(math.parse("\\boxed{\\frac{1}{2}}"), math.parse("so the answer is 0.5"));`,
      String.raw`const tower = math.judgeMath("$4$", "$9^{9^{9^9}}$");`,
      String.raw`const power = math.judgeMath("$2024^{2024}$", "$2024^{2023}\\cdot 2024$");`,
      "JSON.stringify([half, tower, power])",
    ].join("\n"),
  ) as string;
  expect(JSON.parse(answers)).toEqual([
    true,
    { status: "scored", correct: false, extracted: true } satisfies math.MathJudgment,
    { status: "scored", correct: true, extracted: true } satisfies math.MathJudgment,
  ]);
});
