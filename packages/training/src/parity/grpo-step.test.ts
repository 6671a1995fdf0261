import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend, type BackendName } from "@v-triune/backend";
import type { ParityRow } from "@v-triune/grpo/parity";
import { beforeAll, describe, expect, it } from "vitest";
import { checkGrpoStep, recognizeGrpoStep } from "./grpo-step";
import { readScenarios } from "./grpo-step-files";
import { checkGrpoStepOfTrainer, isTrainerScenario } from "./grpo-step-trainer";

const repository = resolve(import.meta.dirname, "../../../..");
const folder = join(repository, "tools/goldens/grpo_step");
const models = [
  join(repository, "tools/goldens/qwen2_5_vl/base"),
  join(repository, "../shared/golden/qwen2_5_vl/base"),
];
const hasModel = models.some((model) => existsSync(model));
if (!hasModel)
  console.warn(`skipped: golden training steps need their model, which is neither in ${models.join(" nor in ")}`);

const over = (rows: readonly ParityRow[]) => rows.filter((row) => !(row.error <= row.tolerance));

describe.skipIf(!hasModel)("whole GRPO updates against PyTorch", () => {
  beforeAll(async () => {
    await selectBackend({ prefer: (process.env["V_TRIUNE_BACKEND"] ?? "wasm") as BackendName });
  });

  it.each([...readScenarios(folder).keys()])("%s", async (name) => {
    expect(recognizeGrpoStep(folder)).toBe(true);
    const before = tf.memory().numTensors;
    const rows = await checkGrpoStep(folder, [name]);
    expect(over(rows)).toEqual([]);
    expect(rows.length).toBeGreaterThan(20);
    expect(tf.memory().numTensors).toBe(before);
  });

  const ofTrainer = [...readScenarios(folder)]
    .filter(([, scenario]) => isTrainerScenario(scenario))
    .map(([name]) => name);

  it.each(ofTrainer)("%s, through the trainer's own path", async (name) => {
    const backend = (process.env["V_TRIUNE_BACKEND"] ?? "wasm") as BackendName;
    const before = tf.memory().numTensors;
    // Two threads in the scenario that trains everything.
    const rows = await checkGrpoStepOfTrainer(
      folder,
      backend,
      backend === "wasm" && name === "full_parameter" ? 2 : 1,
      [name],
    );
    expect(over(rows)).toEqual([]);
    expect(rows.length).toBeGreaterThan(15);
    expect(tf.memory().numTensors).toBe(before);
  });

  it("asks the trainer for all scenarios but the one of its own kind", () => {
    expect([...readScenarios(folder).keys()].filter((name) => !ofTrainer.includes(name))).toEqual(["off_policy"]);
  });

  it("notices a changed clip bound, learning rate or weight decay", async () => {
    const wrong = mkdtempSync(join(tmpdir(), "v-triune-parity-"));
    try {
      cpSync(folder, wrong, { recursive: true });
      const change = (name: string, values: object) => {
        const path = join(wrong, `${name}.json`);
        const json = JSON.parse(readFileSync(path, "utf8")) as { config: object };
        writeFileSync(path, JSON.stringify({ ...json, config: { ...json.config, ...values } }));
      };
      change("stale_old_logps", { clip_ratio_high: 0.2 });
      change("on_policy", { betas: [0.9, 0.99] });
      change("on_policy_lr_1e-2", { weight_decay: 0 });
      for (const name of ["stale_old_logps", "on_policy", "on_policy_lr_1e-2"]) {
        expect(over(await checkGrpoStep(wrong, [name])).length).toBeGreaterThan(0);
      }
    } finally {
      rmSync(wrong, { recursive: true, force: true });
    }
  });
});
