/** `train --dry-run` of every published shape: the prompts with their pictures' tokens, and the memory, without weights. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type VlmConfig, createProcessor, familyOf, modelFamilies, publishedModels } from "@v-triune/policy";
import { familyPixels, imageTokens } from "@v-triune/data-filters";
import { afterAll, expect, it } from "vitest";
import { modelArchitecture } from "@v-triune/training";
import { tinyRun } from "../testing/tiny-run";
import { dryRun } from "./dry-run";

const folder = mkdtempSync(join(tmpdir(), "v-triune-published-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The published configuration with the special tokens of the demonstration's tokenizer. */
function withTokens(config: Readonly<Record<string, unknown>>, demo: Readonly<Record<string, unknown>>) {
  const keys = ["image", "video", "vision_start", "vision_end"].map((name) => `${name}_token_id`);
  const special = Object.fromEntries(keys.map((key) => [key, demo[key]]));
  return { ...config, ...special };
}

it.each(publishedModels)("$name", async ({ config, parameters }) => {
  const run = await tinyRun(folder, "run", 3);
  if (run.model.init !== "random") throw new Error("tinyRun starts from random weights");
  const demo = run.model.config as Readonly<Record<string, unknown>>;
  const model = { ...run.model, config: withTokens(config, demo) };
  const architecture: VlmConfig = await modelArchitecture(model);
  const { imageSettings } = familyOf(architecture);
  // The tokenizer of the demonstration, with the family's settings for pictures.
  const tokenizer = join(folder, architecture.modelType);
  cpSync(run.model.tokenizer, tokenizer, { recursive: true });
  for (const name of ["config.json", "preprocessor_config.json"]) rmSync(join(tokenizer, name));
  const { text, prompts, memory, time } = await dryRun({ ...run, model: { ...model, tokenizer } }, 1e9);
  expect(memory).toMatchObject({ parameters });
  expect(text).toContain("This will hardly fit");
  expect(time).toBeNull();
  const side = imageSettings.patchSize * imageSettings.mergeSize;
  const expected = architecture.modelType === "qwen3_vl" ? [256, 256] : [84, 84];
  expect(prompts[0]!.pictures).toEqual([expected]);
  expect(text).toContain(
    `${(expected[0]! * expected[1]!) / side ** 2} of them of 1 picture (${expected.join(" x ")} pixels)`,
  );
});

it("curation counts the tokens of pictures as every family's processor does", () => {
  const tokenizer = join(folder, "qwen2_vl");
  expect(Object.keys(familyPixels)).toEqual(modelFamilies.map(({ modelType }) => modelType));
  for (const { modelType, imageSettings } of modelFamilies) {
    const file = join(tokenizer, "preprocessor_config.json");
    const { minPixels: min_pixels, maxPixels: max_pixels } = familyPixels[modelType]!;
    writeFileSync(file, JSON.stringify({ min_pixels, max_pixels }));
    const { imageProcessor } = createProcessor(tokenizer, {
      patchSize: imageSettings.patchSize,
      mergeSize: imageSettings.mergeSize,
    });
    for (const [width, height] of [
      [100, 100],
      [640, 480],
      [1999, 33],
      [5000, 7000],
    ] as const) {
      const tokens = imageProcessor.tokens(imageProcessor.grid(width, height)) + 2;
      expect(imageTokens(width, height, familyPixels[modelType]), `${modelType}, ${width} x ${height}`).toBe(tokens);
    }
  }
});
