import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { detectionGroundTruth, formatBoxes, parseDetectionGroundTruth } from "./ground-truth";
import { detectionVerifierParm, emptyVerifierParm } from "./sample";
import { parseSample } from "./sample-validation";

const records = fileURLToPath(new URL("../../../../shared/realdata/orsta_schema/records.json", import.meta.url));
if (!existsSync(records))
  console.warn("skipped: documented Orsta records are not beside this checkout (../shared/realdata)");
describe.skipIf(!existsSync(records))("documented Orsta records", () => {
  it("are accepted, and their gold is what our writer writes", () => {
    const all = JSON.parse(readFileSync(records, "utf8")) as { mm_math: object; v3det_train: object };
    const detectionRecord = { ...all.v3det_train, images: [{ path: "images/a.jpg" }] };
    const math = parseSample({ ...all.mm_math, images: [{ path: "images/a.png" }] }, { as: "writer" });
    const detection = parseSample(detectionRecord, { as: "writer" });
    expect(math.reward_model.verifier_parm).toEqual(emptyVerifierParm());
    const boxes = parseDetectionGroundTruth(detection.reward_model.ground_truth);
    expect(boxes).toHaveLength(4);
    expect(detectionGroundTruth(boxes ?? [])).toBe(detection.reward_model.ground_truth);
    expect(formatBoxes(boxes ?? [])).toBe(detection.reward_model.answer);
    const ratios = detectionVerifierParm().det_reward_ratio;
    for (const [key, value] of Object.entries(detection.reward_model.verifier_parm.det_reward_ratio)) {
      expect(value).toBeCloseTo(ratios[key as keyof typeof ratios] ?? NaN, 6);
    }
  });
});
