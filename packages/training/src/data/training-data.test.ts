import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import { DatasetError, parseSample } from "@v-triune/schema";
import { afterAll, expect, it } from "vitest";
import { createReasons } from "./bad-row-reasons";
import { openTrainingSource } from "./training-data";

const folder = mkdtempSync(join(tmpdir(), "training-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("says why no row can be used: counts by reason and the first messages", async () => {
  const path = join(folder, "train.parquet");
  const sample = (i: number) =>
    parseSample({
      data_source: "mine",
      prompt: [{ role: "user", content: `How much is ${i}?` }],
      reward_model: { ground_truth: `\\boxed{${i}}`, verifier: "mathverify" },
      extra_info: { id: `${i}` },
    });
  await writeSamples(
    path,
    Array.from({ length: 8 }, (_, i) => sample(i)),
  );
  const source = await openTrainingSource({
    sets: [{ path, weight: 1, cap: null }],
    seed: 1,
    strict: false,
    verifiers: ["mathverify"],
    makePrompt: async ({ extra_info }) => {
      const row = Number(extra_info.id);
      throw new DatasetError({
        code: "bad-value",
        file: path,
        row,
        field: row === 3 ? "images" : "prompt",
        expected: row === 3 ? "a picture" : "at most 512 tokens",
        found: `${600 + row} tokens`,
      });
    },
  });
  const error = (await source.batch(0, 4).catch((reason: unknown) => reason)) as DatasetError;
  source.close();
  expect(error).toBeInstanceOf(DatasetError);
  const lines = error.found.split("\n");
  expect(lines[0]).toBe("no sample that can be used");
  expect(lines.slice(1, 3)).toEqual(["7 rows: prompt: at most N tokens", "1 row: images: a picture"]);
  expect(lines[3]).toBe("The first 5 messages:");
  expect(error.found.match(/train\.parquet, row \d/g)).toHaveLength(5);
});

it("counts a row once, however often it comes", () => {
  const reasons = createReasons();
  for (let i = 0; i < 3; i++) reasons.add("a: the prompt is too long: 900 tokens");
  reasons.add("a: the prompt is too long: 901 tokens");
  expect(reasons.format()).toBe(
    "2 rows: a: the prompt is too long: N tokens\nThe messages:\n" +
      "a: the prompt is too long: 900 tokens\na: the prompt is too long: 901 tokens",
  );
});
