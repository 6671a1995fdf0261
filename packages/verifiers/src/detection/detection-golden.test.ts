import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createDetectionVerifier } from "./detection-verifier";

const PATH = resolve(import.meta.dirname, "../../../../../shared/realdata/det_reward_golden/cases.json");
const present = existsSync(PATH);
if (!present) console.warn(`skipped: the original server's 256 detection rewards, ${PATH} is not there (it comes with the shared data set, not with the clone)`);

interface GoldenFile {
  det_reward_ratio: Record<string, number>;
  det_reward_ratio_mixed: Record<string, number>;
  cases: {
    image: string;
    width: number;
    height: number;
    det_verifier_normalized: boolean;
    response: string;
    solution: string;
    expected: Record<string, { format: number; final_score?: number; accuracy?: Record<string, number> }>;
  }[];
}

/** The reference values were written with ten digits after the point. */
const ROUNDING = 5.0001e-11;

describe.skipIf(!present)("detection in compat mode equals the original server", () => {
  const golden = (present ? JSON.parse(readFileSync(PATH, "utf8")) : { cases: [] }) as GoldenFile;

  it("has all 256 cases", () => expect(golden.cases).toHaveLength(256));

  it("in every number of every case", () => {
    const average = createDetectionVerifier({ epsilon: "average", compat: true });
    const dynamic = createDetectionVerifier({ epsilon: "dynamic", compat: true });
    const variants = [
      ["average", average, golden.det_reward_ratio, 0],
      ["average_mixed_ratio", average, golden.det_reward_ratio_mixed, 0],
      ["dynamic_step_5_of_100", dynamic, golden.det_reward_ratio, 5],
      ["dynamic_step_20_of_100", dynamic, golden.det_reward_ratio, 20],
      ["dynamic_step_60_of_100", dynamic, golden.det_reward_ratio, 60],
    ] as const;
    let compared = 0;
    for (const [index, { response, solution, expected, ...picture }] of golden.cases.entries()) {
      for (const [variant, verifier, ratios, step] of variants) {
        const reference = expected[variant];
        if (reference === undefined) {
          if (variant === "average") throw new Error(`case ${index} has no ${variant}`);
          continue;
        }
        const verdict = verifier.verify(response, {
          groundTruth: solution,
          params: {
            det_verifier_normalized: picture.det_verifier_normalized,
            det_reward_ratio: ratios,
            is_training: true,
            step,
            total_steps: 100,
            image_grid_thw: [[1, picture.height, picture.width]],
          },
        });
        const where = `case ${index} (${picture.image}), ${variant}`;
        if (verdict.status !== "scored") throw new Error(`${where}: ${JSON.stringify(verdict)}`);
        expect(verdict.format, where).toBe(reference.format);
        const { final_score: finalScore, ...metrics } = reference.accuracy ?? { final_score: reference.final_score ?? Number.NaN };
        expect(Math.abs(verdict.accuracy - (finalScore as number)), `${where}: final ${verdict.accuracy} against ${finalScore}`).toBeLessThan(ROUNDING);
        for (const [name, value] of Object.entries(metrics)) {
          expect(Math.abs((verdict.metrics[name] as number) - value), `${where}: ${name} ${verdict.metrics[name]} against ${value}`).toBeLessThan(ROUNDING);
          compared++;
        }
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(256 * 29);
  });
});
