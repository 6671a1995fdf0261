import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Processor } from "@v-triune/policy";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TrainingConfig } from "../config/training-config";
import { configuredProcessor } from "../model/load-model";
import { tinyRun } from "../testing/tiny-run";
import { configuredPromptMaker } from "./configured-prompt-maker";
import { measurePromptLengths } from "./prompt-lengths";
import { openTrainingSource } from "./training-data";

const folder = mkdtempSync(join(tmpdir(), "v-triune-lengths-"));
const { names: verifiers } = createVerifierRegistry(builtinVerifiers());
let config: TrainingConfig;
let processor: Processor;
beforeAll(async () => {
  config = await tinyRun(folder, "run", 3);
  processor = await configuredProcessor(config.model);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const noPool = (change: Partial<TrainingConfig["rollout"]> = {}): TrainingConfig => ({
  ...config,
  promptPool: { ...config.promptPool, enabled: false },
  rollout: { ...config.rollout, ...change },
});

/** Tokens of all training prompts, as a run makes them. */
async function lengthsInRun(): Promise<number[]> {
  const makePrompt = await configuredPromptMaker(noPool(), processor);
  const source = await openTrainingSource({ sets: config.data.train, seed: 1, makePrompt, verifiers, strict: true });
  const { prompts } = await source.batch(0, source.length);
  source.close();
  return prompts.map(({ promptIds }) => promptIds.length);
}

it("counts what the run will ask, and how many prompts it will leave out", async () => {
  const lengths = await lengthsInRun();
  const longest = Math.max(...lengths);
  const progress: number[] = [];
  const all = await measurePromptLengths(noPool(), {
    processor,
    verifiers,
    context: 4096,
    onProgress: (counted) => progress.push(counted),
  });
  expect(all.training).toMatchObject({
    counted: lengths.length,
    longest: { tokens: longest },
    tooLong: 0,
    unusable: [],
  });
  expect(all.training.limit).toBe(4096 - config.rollout.maxNewTokens);
  expect(all.evaluation?.counted).toBeGreaterThan(0);
  expect(progress.at(-1)).toBe(lengths.length + all.evaluation!.counted);

  const above = (limit: number): number => lengths.filter((tokens) => tokens > limit).length;
  const short = await measurePromptLengths(noPool(), {
    processor,
    verifiers,
    context: longest - 1 + config.rollout.maxNewTokens,
  });
  expect(short.training).toMatchObject({ limit: longest - 1, tooLong: above(longest - 1) });
  expect(above(longest - 1)).toBeGreaterThan(0);
  const limit = Math.min(...lengths);
  const configured = await measurePromptLengths(noPool({ maxPromptTokens: limit }), {
    processor,
    verifiers,
    context: 4096,
  });
  expect(configured.training).toMatchObject({ limit, tooLong: above(limit) });
});
