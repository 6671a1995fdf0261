import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { selectBackend, type BackendName } from "@v-triune/backend";
import { createLearner, ppoClip, type Policy } from "@v-triune/grpo";
import { loadVlm, type VlmPolicy, type TokenizedRollout } from "@v-triune/policy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readGoldenBatch, type GoldenBatch } from "./grpo-step-files";

const repository = resolve(import.meta.dirname, "../../../..");
const models = [
  join(repository, "tools/goldens/qwen2_5_vl/base"),
  join(repository, "../shared/golden/qwen2_5_vl/base"),
];
const hasModel = models.some((model) => existsSync(model));
if (!hasModel)
  console.warn(`skipped: micro-batches of Qwen2.5-VL need a model, which is neither in ${models.join(" nor in ")}`);

describe.skipIf(!hasModel)("a token budget for micro-batches", () => {
  let batch: GoldenBatch;
  let policy: VlmPolicy;
  beforeAll(async () => {
    await selectBackend({ prefer: (process.env["V_TRIUNE_BACKEND"] ?? "wasm") as BackendName });
    batch = readGoldenBatch(join(repository, "tools/goldens/grpo_step"));
    policy = await loadVlm(batch.modelFolder, {});
  });
  afterAll(() => policy?.dispose());

  /** Gradients of the whole batch within a budget, and the groups that each forward pass saw. */
  function withBudget(tokens: number | undefined, rows: readonly TokenizedRollout[]) {
    const passes: TokenizedRollout[][] = [];
    const watched: Policy<TokenizedRollout> = {
      parameters: policy.parameters,
      tokenCount: (some) => policy.tokenCount(some),
      logProbs: (some, options) => {
        passes.push([...some]);
        return policy.logProbs(some, options);
      },
    };
    const learner = createLearner({
      policy: watched,
      optimizer: { learningRate: 1e-4 },
      objective: { policyLoss: ppoClip() },
      measureEntropy: true,
      ...(tokens === undefined ? {} : { microBatch: { tokens } }),
    });
    const part = learner.parts.contribution(rows.map((row, i) => ({ row, advantage: Math.sin(1 + i) })));
    const gradients = new Map(
      [...part.gradients].map(([name, gradient]) => [name, gradient.dataSync() as Float32Array]),
    );
    for (const gradient of part.gradients.values()) gradient.dispose();
    learner.dispose();
    return { ...part, gradients, passes };
  }

  it("counts prompts with their pictures, keeps rollouts of a prompt together, and changes no gradient", () => {
    const text = batch.rows.slice(0, 3).map(({ completionIds }): TokenizedRollout => ({
      promptIds: batch.rows[0]!.completionIds.slice(0, 3),
      completionIds,
      group: "text",
    }));
    const all = [...batch.rows, ...text];
    const groups = new Map(all.map(({ group }) => [group, all.filter((row) => row.group === group)]));
    const costs = [...groups.values()].map((rows) => policy.tokenCount(rows));
    const completions = all.reduce((sum, { completionIds }) => sum + completionIds.length - 1, 0);
    const prompts = [...groups.values()].reduce((sum, [row]) => sum + row!.promptIds.length, 0);
    expect(groups.size).toBeGreaterThan(2);
    expect(all.some(({ images }) => images !== undefined)).toBe(true);

    const together = withBudget(undefined, all);
    expect(together.microBatches).toBe(1);
    expect(together.computedTokens).toBe(prompts + completions);

    const budget = Math.max(...costs);
    const split = withBudget(budget, all);
    expect(split.microBatches).toBeGreaterThan(1);
    for (const pass of split.passes) expect(policy.tokenCount(pass)).toBeLessThanOrEqual(budget);
    // Rollouts of a prompt stand in one pass, or in two where the budget ends between them: a prompt is repeated at
    // most once a pass.
    const order = split.passes.flat();
    for (const [group, rows] of groups) {
      const places = order.flatMap((row, i) => (row.group === group ? [i] : []));
      expect(places.at(-1)! - places[0]!, `group ${group}`).toBe(rows.length - 1);
    }
    const longestPrompt = Math.max(...all.map(({ promptIds }) => promptIds.length));
    expect(split.computedTokens).toBeLessThanOrEqual(
      together.computedTokens + (split.microBatches - 1) * longestPrompt,
    );

    expect([...split.gradients.keys()].sort()).toEqual([...together.gradients.keys()].sort());
    for (const [name, gradient] of together.gradients) {
      const other = split.gradients.get(name)!;
      const norm = Math.hypot(...gradient);
      expect(Math.hypot(...gradient.map((x, i) => x - other[i]!)), name).toBeLessThanOrEqual(1e-4 * norm + 1e-7);
    }
    for (const [row, values] of together.logProbs)
      expect(Math.max(...values.map((x, t) => Math.abs(x - split.logProbs.get(row)![t]!)))).toBeLessThan(2e-5);
  });

  it("takes whole prompts where the budget fits them", () => {
    const shared = batch.rows.filter(({ group }) => group === batch.rows[0]!.group);
    const second = batch.rows.filter(({ group }) => group !== batch.rows[0]!.group);
    const budget = Math.max(policy.tokenCount(shared), policy.tokenCount(second));
    const split = withBudget(budget, [...shared, ...second]);
    expect(split.passes).toEqual([shared, second]);
    expect(split.computedTokens).toBe(policy.tokenCount(batch.rows));
  });

  it("sends a row above the budget alone", () => {
    const single = withBudget(1, batch.rows.slice(0, 3));
    expect(single.passes.map((pass) => pass.length)).toEqual([1, 1, 1]);
  });
});
