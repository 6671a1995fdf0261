import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import type * as math from "./index";

/** The esbuild that tsup, which builds the package, brings. */
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsup"))("esbuild") as { buildSync(options: object): { outputFiles: { text: string; contents: Uint8Array }[]; warnings: unknown[] } };
const entry = fileURLToPath(new URL("index.ts", import.meta.url));
const bundle = (format: "esm" | "iife") => esbuild.buildSync({ entryPoints: [entry], bundle: true, minify: true, write: false, platform: "browser", format, globalName: format === "iife" ? "math" : undefined, logLevel: "silent" });

it("is less than 60 KB, minified", () => {
  const { outputFiles, warnings } = bundle("esm");
  expect(outputFiles[0]!.contents.length).toBeLessThan(60_000);
  expect(warnings).toEqual([]);
});

it("needs nothing of Node: the minified bundle judges in a context that has only the language", () => {
  const answers = runInNewContext(`${bundle("iife").outputFiles[0]!.text}; JSON.stringify([math.verify(math.parse("\\\\boxed{\\\\frac{1}{2}}"), math.parse("so the answer is 0.5")), math.judge("$4$", "$9^{9^{9^9}}$")])`) as string;
  expect(JSON.parse(answers)).toEqual([true, { status: "error", reason: "budget", limit: "bits" } satisfies math.Judgement]);
});
