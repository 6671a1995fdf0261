/**
 * Checks a folder of golden GDPO advantages (the layout of tools/goldens/gdpo): numbers of TRL and verl. The two differ
 * in ε and in what the batch normalizes over: TRL's answers, verl's tokens.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { decoupledAdvantages, decoupledScores, type RewardComponent } from "../advantages/decoupled";
import type { Reward } from "../advantages/groups";
import { maskedWhiten } from "../masked-statistics";
import { Comparison, type ParityRow } from "./comparison";
import { readGolden } from "./loss-batches";

interface GoldenGdpo {
  readonly name: string;
  /** [B, K] */
  readonly rewards: readonly (readonly Reward[])[];
  readonly groups: readonly number[];
  readonly weights: readonly number[];
  /** Length of each answer. */
  readonly tokens: readonly number[];
  readonly trl: readonly number[];
  /** Absent where a reward is missing, which verl does not know. */
  readonly verl?: readonly number[];
}

const TOLERANCE = { rtol: 1e-5, atol: 1e-6 };

/** Whether the folder holds golden GDPO advantages. */
export function recognizeGdpo(folder: string): boolean {
  return existsSync(path.join(folder, "gdpo.json"));
}

/** Compares every case of gdpo.json. */
export async function checkGdpo(folder: string): Promise<ParityRow[]> {
  const comparison = new Comparison();
  for (const golden of (readGolden(folder, "gdpo.json") as { readonly cases: readonly GoldenGdpo[] }).cases) {
    const { name, rewards, groups, weights, tokens, trl, verl } = golden;
    const components = weights.map((weight, k): RewardComponent => ({
      weights: weight,
      rewards: rewards.map((row) => row[k]!),
    }));
    const rows = decoupledAdvantages(components, groups, { epsilon: 1e-4 });
    comparison.close("advantages GDPO, as in TRL", name, rows, trl, TOLERANCE);
    if (verl === undefined) continue;
    const scores = decoupledScores(components, groups, { epsilon: 1e-6, singleton: "reward" });
    comparison.close("advantages GDPO, as in verl", name, whitenedOverTokens(scores, tokens), verl, TOLERANCE);
  }
  return comparison.rows();
}

/** [B] → [B]: every token of an answer has the same number, so that the first stands for all. */
function whitenedOverTokens(scores: Float64Array, tokens: readonly number[]): number[] {
  const width = Math.max(...tokens);
  const isToken = (i: number): boolean => i % width < tokens[Math.floor(i / width)]!;
  const mask = Array.from({ length: scores.length * width }, (_, i) => (isToken(i) ? 1 : 0));
  const flat = mask.map((_, i) => scores[Math.floor(i / width)]!);
  const whitened = maskedWhiten(flat, mask);
  return Array.from(scores, (_, row) => whitened[row * width]!);
}
