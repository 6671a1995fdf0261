import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { ConfigError } from "@v-triune/errors";
import { loadTrainingConfig, resolveTrainingConfig } from "./load-training-config";
import type { TrainingConfigInput } from "./training-config-schema";

const folder = mkdtempSync(join(tmpdir(), "v-triune-defaults-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const page = resolve(import.meta.dirname, "../../../../docs/configuration.md");

it.skipIf(!existsSync(page))("docs/configuration.md shows every key with its default", async () => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(page, "utf8"))!;
  writeFileSync(join(folder, "my-run.yaml"), yaml!);
  writeFileSync(
    join(folder, "minimal.yaml"),
    "model: ./Qwen2.5-VL-3B-Instruct\ndata: {train: ./corpus/train_*.parquet}\nrun: {name: my-run}\n",
  );
  const shown = await loadTrainingConfig(join(folder, "my-run.yaml"), [], folder);
  expect(shown).toEqual(await loadTrainingConfig(join(folder, "minimal.yaml"), [], folder));
  // Whatever a resolved configuration holds is on the page; the keys of a group, a set and the run folder have their
  // place in a comment.
  const names = (value: unknown): string[] =>
    typeof value !== "object" || value === null
      ? []
      : Object.entries(value).flatMap(([key, inner]) => [key, ...names(inner)]);
  for (const name of names(shown)) if (!/^\d+$/.test(name) && name !== "init") expect(yaml).toContain(name);
});

it("resolves or refuses with a ConfigError whatever is put where", () => {
  const complete = resolveTrainingConfig({ model: "m", data: { train: "d", eval: ["e"] } }, "/x");
  const paths: string[][] = [];
  const collect = (value: unknown, path: string[]): void => {
    paths.push(path);
    if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) collect(inner, [...path, key]);
  };
  collect(complete, []);
  const anything = fc.oneof(
    fc.constantFrom(null, true, false, 0, -1, 0.5, 1e9, Number.NaN, "", "x", "8", [], {}, [1], { a: 1 }),
    fc.anything({ maxDepth: 2 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.option(fc.string({ maxLength: 6 })),
      anything,
      (path, extraKey, value) => {
        // A message quotes what it found.
        fc.pre(!/undefined|object/.test(JSON.stringify(value) ?? ""));
        const input = structuredClone(complete) as unknown as Record<string, unknown>;
        const target = extraKey === null ? path : [...path, extraKey];
        if (target.length === 0) return;
        let parent: Record<string, unknown> = input;
        for (const key of target.slice(0, -1)) {
          const next = parent[key];
          if (typeof next !== "object" || next === null) return;
          parent = next as Record<string, unknown>;
        }
        // A list's length is no key.
        if (Array.isArray(parent) && target.at(-1) === "length") return;
        Object.defineProperty(parent, target.at(-1)!, { value, enumerable: true, configurable: true, writable: true });
        try {
          resolveTrainingConfig(input as unknown as TrainingConfigInput, "/x");
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          expect((error as Error).message).not.toMatch(/undefined|\[object/);
        }
      },
    ),
    { numRuns: 500 },
  );
});
