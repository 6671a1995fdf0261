import { createDetectionVerifier } from "../detection/detection-verifier";
import { ParityRows, type ParityRow } from "./parity-row";

/** The original server's detection rewards, written with ten digits after the point. */
export interface DetectionRewardFile {
  readonly det_reward_ratio: Readonly<Record<string, number>>;
  readonly det_reward_ratio_mixed: Readonly<Record<string, number>>;
  readonly cases: readonly {
    readonly image: string;
    readonly width: number;
    readonly height: number;
    readonly det_verifier_normalized: boolean;
    readonly response: string;
    readonly solution: string;
    readonly expected: Readonly<
      Record<
        string,
        { readonly format: number; readonly final_score?: number; readonly accuracy?: Readonly<Record<string, number>> }
      >
    >;
  }[];
}

/** Whether parsed JSON has the layout of {@link DetectionRewardFile}. */
export function isDetectionRewardFile(value: unknown): value is DetectionRewardFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "det_reward_ratio" in value &&
    "det_reward_ratio_mixed" in value &&
    "cases" in value
  );
}

const STEP = /^dynamic_step_(\d+)_of_(\d+)$/;

/**
 * Compares the compat verifier with every number of a file; the variant's name says the threshold, the step and the
 * ratios. The tolerance is half a unit of the tenth digit, to which the reference is rounded.
 */
export function detectionRewardParity(file: DetectionRewardFile): ParityRow[] {
  const rows = new ParityRows(5.0001e-11);
  const average = createDetectionVerifier({ epsilon: "average", compat: true });
  const dynamic = createDetectionVerifier({ epsilon: "dynamic", compat: true });
  for (const [index, { image, response, solution, expected, ...picture }] of file.cases.entries()) {
    for (const [variant, reference] of Object.entries(expected)) {
      const [, step = "0", totalSteps = "100"] = STEP.exec(variant) ?? [];
      const verdict = (STEP.test(variant) ? dynamic : average).verify(response, {
        groundTruth: solution,
        params: {
          det_verifier_normalized: picture.det_verifier_normalized,
          det_reward_ratio: variant.endsWith("mixed_ratio") ? file.det_reward_ratio_mixed : file.det_reward_ratio,
          is_training: true,
          step: Number(step),
          total_steps: Number(totalSteps),
          image_grid_thw: [[1, picture.height, picture.width]],
        },
      });
      const where = `case ${index} (${image}), ${variant}`;
      const found: Record<string, number> =
        verdict.status === "scored"
          ? { ...verdict.metrics, final_score: verdict.accuracy, format: verdict.format }
          : {};
      rows.compare("format", found["format"], reference.format, where);
      for (const [name, value] of Object.entries(reference.accuracy ?? { final_score: reference.final_score }))
        rows.compare(name, found[name], value, where);
    }
  }
  return rows.result();
}
