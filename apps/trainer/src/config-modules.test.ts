import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadTrainingConfig } from "@v-triune/training/config";
import { afterAll, expect, it } from "vitest";
import { configModules } from "./config-modules";

const folder = mkdtempSync(join(tmpdir(), "v-triune-modules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("lets a configuration import all that v-triune exports, where v-triune is not installed", async () => {
  const path = join(folder, "own.ts");
  writeFileSync(
    path,
    `import { defineTrainingConfig, resolveTrainingConfig, type TrainingConfig } from "v-triune";
     const recipe: TrainingConfig = resolveTrainingConfig({ model: "m", data: { train: "d" }, preset: "dapo" });
     export default defineTrainingConfig({ model: "m", data: { train: "d" }, rollout: { n: 2 * recipe.rollout.n } });`,
  );
  const { rollout } = await loadTrainingConfig(path, [], folder, configModules);
  expect(rollout.n).toBe(32);
});
