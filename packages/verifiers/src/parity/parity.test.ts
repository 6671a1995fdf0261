import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluateCoco } from "../coco/coco-evaluation";
import { cocoStats } from "../coco/coco-summary";
import type { CocoAnnotation, CocoDetection, CocoProblem } from "../coco/coco-data";
import { cocoMapParity, isCocoMapFile } from "./coco-map-parity";
import { detectionRewardParity, isDetectionRewardFile } from "./detection-reward-parity";
import { ParityRows } from "./parity-row";

const ROOT = resolve(import.meta.dirname, "../../../..");
const REWARDS = resolve(ROOT, "../shared/realdata/det_reward_golden/cases.json");
const COCO = resolve(ROOT, "../shared/realdata/coco_eval_golden");
for (const path of [REWARDS, COCO])
  if (!existsSync(path))
    console.warn(`skipped: ${path} is missing (it comes with the shared data set, not with the clone)`);

const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

describe("evaluateCoco equals pycocotools 2.0.11", () => {
  it("in the 67 problems of tools/goldens/coco_map", () => {
    const file = read(resolve(ROOT, "tools/goldens/coco_map/cases.json"));
    if (!isCocoMapFile(file)) throw new Error("not a coco_map file");
    expect(file.cases).toHaveLength(67);
    const rows = cocoMapParity(file);
    expect(rows).toHaveLength(7);
    expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  });

  it.skipIf(!existsSync(COCO))("in the 12 published numbers of COCO val2014's first 100 pictures", () => {
    const gold = read(resolve(COCO, "instances_val2014_100.json")) as Omit<CocoProblem, "detections"> & {
      annotations: CocoAnnotation[];
    };
    const detections = read(resolve(COCO, "instances_val2014_fakebbox100_results.json")) as CocoDetection[];
    const expected = (read(resolve(COCO, "expected_bbox.json")) as { published: number[] }).published;
    const rows = new ParityRows(1e-9);
    rows.compareLists("stats", cocoStats(evaluateCoco({ ...gold, detections }).stats), expected, "val2014");
    const [{ error } = { error: Infinity }] = rows.result();
    expect(error).toBeLessThan(1e-12);
  });
});

describe.skipIf(!existsSync(REWARDS))("detection in compat mode equals the original server", () => {
  it("in every number of 256 cases", () => {
    const file = read(REWARDS);
    if (!isDetectionRewardFile(file)) throw new Error("not a file of detection rewards");
    expect(file.cases).toHaveLength(256);
    const rows = detectionRewardParity(file);
    expect(rows.length).toBe(31);
    expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  });
});

describe("ParityRows", () => {
  it("keeps the largest difference and does not lose what is missing", () => {
    const rows = new ParityRows(1e-9);
    rows.compareLists("a", [1, 2.5], [1, 2], "x");
    rows.compareLists("a", [1, 2], [1, 2], "y");
    rows.compare("b", undefined, 1, "z");
    rows.compareLists("c", [1], [1, 2], "w");
    rows.compare("d", 3, 3, "v");
    expect(rows.result()).toEqual([
      { quantity: "a", error: 0.5, tolerance: 1e-9, worst: "x[1]" },
      { quantity: "b", error: Infinity, tolerance: 1e-9, worst: "z" },
      { quantity: "c", error: Infinity, tolerance: 1e-9, worst: "w: 1 values, 2 expected" },
      { quantity: "d", error: 0, tolerance: 1e-9 },
    ]);
  });
});
