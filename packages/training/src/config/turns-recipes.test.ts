/** The recipes of examples/recipes are configurations that a run takes. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { loadTrainingConfig } from "./load-training-config";

const folder = resolve(import.meta.dirname, "../../../../examples/recipes");
const load = (name: string) => loadTrainingConfig(join(folder, name));

it("has the recipes that docs/tool-forms.md names", () => {
  expect(readdirSync(folder).sort()).toEqual(["deepeyes.yaml", "med.yaml", "mini-o3.yaml"]);
});

it("DeepEyes pays for right answers that used a tool", async () => {
  const { rollout, reward } = await load("deepeyes.yaml");
  expect(rollout).toMatchObject({ n: 16, turns: { max: 5, form: "deepeyes", overTurn: "penalize" } });
  expect(reward).toMatchObject({ accuracyRatio: 0.8, formatRatio: 0.2, tools: { whenRight: 1.2 } });
});

it("Mini-o3 masks answers that run out of turns, and pays for accuracy alone", async () => {
  const { rollout, reward } = await load("mini-o3.yaml");
  expect(rollout.turns).toMatchObject({ max: 6, form: "mini-o3", overTurn: "mask", tools: [{ name: "crop" }] });
  expect(reward).toMatchObject({ accuracyRatio: 1, formatRatio: 0, tools: null });
});

it("MED makes one call per turn and keeps its checkpoints", async () => {
  const { rollout, algorithm, optimizer, checkpoint } = await load("med.yaml");
  expect(rollout.turns).toMatchObject({ max: 5, maxCalls: 1, form: "med" });
  expect(algorithm.advantage).toBe("reinforce++-baseline");
  expect(optimizer.groups.vision.freeze).toBe(true);
  expect(checkpoint.keep).toBeNull();
});
