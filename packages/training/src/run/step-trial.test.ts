import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { writeTinyRun } from "@v-triune/demo-tasks";
import type { PreparedPrompt, RolloutEngine } from "@v-triune/rollouts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import { configuredProcessor, modelArchitecture } from "../model/load-model";
import type { Compute } from "../update/compute";
import { runTraining } from "./run-training";
import { withStepTrial } from "./step-trial";

const folder = mkdtempSync(join(tmpdir(), "v-triune-step-trial-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => selectBackend({ prefer: "wasm" }));

/** Names the prompts that it is asked, and answers each with one token. */
function listening(): { engine: RolloutEngine; asked: string[][] } {
  const asked: string[][] = [];
  const engine: RolloutEngine = {
    name: "one token",
    async useWeights() {},
    async *generate(prompts: readonly PreparedPrompt[], { n }) {
      asked.push(prompts.map(({ id }) => id));
      for (const promptIndex of prompts.keys())
        for (let sampleIndex = 0; sampleIndex < n; sampleIndex++)
          yield { promptIndex, sampleIndex, tokenIds: Int32Array.of(20), finishReason: "length" as const };
    },
  };
  return { engine, asked };
}

describe("steps that are tried", () => {
  it("ask the run's prompts, evaluations the run's samples, and leave nothing behind", async () => {
    const config = resolveTrainingConfig(await writeTinyRun(folder, "run", 2));
    const run = listening();
    await runTraining(config, { engine: run.engine });
    const tried = listening();
    const temporary = () => readdirSync(tmpdir()).filter((name) => name.startsWith("v-triune-trial-"));
    const before = temporary();
    const parts = {
      architecture: await modelArchitecture(config.model),
      processor: await configuredProcessor(config.model),
      prompts: config.rollout.promptsPerStep,
    };
    const updates: number[] = [];
    const compute: Pick<Compute, "logProbs" | "update"> = {
      logProbs: async (rows) => rows.map(({ completionIds }) => new Float32Array(completionIds.length)),
      async update(rows) {
        updates.push(rows.length);
        return { gradNorm: { total: 0, byGroup: {}, byLayer: {} }, learningRates: {}, correction: {} } as never;
      },
    };
    const counts = await withStepTrial(config, parts, async (trial) => {
      const counted = [await trial.evaluate(tried.engine, config.evaluation.samplesPerSource!)];
      await trial.step(tried.engine, compute);
      await trial.step(tried.engine, compute);
      return [...counted, await trial.evaluate(tried.engine, 1)];
    });
    // The run evaluates before its first step and after its last.
    expect(tried.asked.slice(0, 3)).toEqual(run.asked.slice(0, 3));
    expect(counts[0]).toBe(run.asked[0]!.length);
    expect(counts[1]).toBe(counts[0]! / 2);
    expect(updates).toEqual([12, 12]);
    expect(temporary()).toEqual(before);
  }, 60_000);
});
