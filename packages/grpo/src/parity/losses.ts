/**
 * Checks a folder of golden losses (the layout of tools/goldens/losses): numbers of verl and TRL.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { compareAdvantages } from "./advantages";
import { Comparison, type ParityRow } from "./comparison";
import { readBatches } from "./loss-batches";
import { compareAggregation, compareEntropy, compareKl, compareMasked, compareRolloutCorrection } from "./loss-terms";
import { comparePolicyLosses, compareTrlLosses } from "./policy-losses";

const FILES = ["advantages", "policy_loss", "trl_loss", "kl", "agg_loss", "tis", "entropy", "masked"];

/** Whether the folder holds golden losses: batches.json and at least one file of cases. */
export function recognizeLosses(folder: string): boolean {
  return (
    existsSync(path.join(folder, "batches.json")) && FILES.some((name) => existsSync(path.join(folder, `${name}.json`)))
  );
}

/**
 * Compares every file of cases that the folder has.
 * @returns the largest error by quantity
 * @throws Error when a file holds a case of a kind that is not known
 */
export async function checkLosses(folder: string): Promise<ParityRow[]> {
  const batches = readBatches(folder);
  const comparison = new Comparison();
  const compare: Record<string, () => void> = {
    advantages: () => compareAdvantages(folder, batches, comparison),
    policy_loss: () => comparePolicyLosses(folder, batches, comparison),
    trl_loss: () => compareTrlLosses(folder, batches, comparison),
    kl: () => compareKl(folder, batches, comparison),
    agg_loss: () => compareAggregation(folder, batches, comparison),
    tis: () => compareRolloutCorrection(folder, batches, comparison),
    entropy: () => compareEntropy(folder, comparison),
    masked: () => compareMasked(folder, batches, comparison),
  };
  for (const name of FILES) if (existsSync(path.join(folder, `${name}.json`))) compare[name]!();
  return comparison.rows();
}
