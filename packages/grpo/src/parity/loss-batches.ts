/**
 * The batches that the golden loss files refer to by name.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { flatten, type GoldenNumbers, type Tolerance } from "./comparison";

/** One batch of `batches.json`, flat [B · T]. */
export interface GoldenBatch {
  readonly name: string;
  readonly rows: number;
  readonly width: number;
  readonly mask: number[];
  readonly logProbs: number[];
  readonly oldLogProbs: number[];
  readonly refLogProbs: number[];
  readonly rolloutLogProbs: number[];
  readonly tokenRewards: number[];
  readonly advantages: number[];
  readonly entropies: number[];
  readonly groups: (string | number)[];
}

/** A case of any golden loss file. */
export interface GoldenCase {
  readonly batch: string;
  readonly function: string;
  readonly error?: string;
  readonly [key: string]: unknown;
}

/** Reads one golden file. */
export function readGolden(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(path.join(folder, file), "utf8"));
}

/** The cases of one golden file. */
export function readCases(folder: string, file: string): GoldenCase[] {
  return (readGolden(folder, file) as { cases: GoldenCase[] }).cases;
}

/** All batches by name. */
export function readBatches(folder: string): Map<string, GoldenBatch> {
  const { batches } = readGolden(folder, "batches.json") as {
    batches: Record<string, Record<string, GoldenNumbers> & { index: (string | number)[] }>;
  };
  return new Map(
    Object.entries(batches).map(([name, b]) => {
      const mask = b["response_mask"] as readonly (readonly number[])[];
      return [
        name,
        {
          name,
          rows: mask.length,
          width: mask[0]!.length,
          mask: flatten(mask),
          logProbs: flatten(b["log_prob"]!),
          oldLogProbs: flatten(b["old_log_prob"]!),
          refLogProbs: flatten(b["ref_log_prob"]!),
          rolloutLogProbs: flatten(b["rollout_log_prob"]!),
          tokenRewards: flatten(b["token_level_rewards"]!),
          advantages: flatten(b["advantages"]!),
          entropies: flatten(b["trl_entropies"]!),
          groups: b.index,
        },
      ];
    }),
  );
}

/** The README's tolerances: batches of large ratios hold values up to exp(20). */
export function lossTolerance(batch: string): Tolerance {
  return { rtol: batch.startsWith("large_ratios") ? 1e-4 : 1e-5, atol: 1e-6 };
}
