import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkSample,
  countImageMarks,
  DatasetError,
  detectionGroundTruth,
  detectionVerifierParm,
  emptyVerifierParm,
  formatBoxes,
  boxedGroundTruth,
  parquetFileName,
  parseDetectionGroundTruth,
  parseParquetFileName,
  parseSample,
  type Sample,
  sourceInfo,
  sources,
  TASKS,
  unboxGroundTruth,
} from "./index";

function mathSample(): Sample {
  return {
    data_source: "mm_math",
    images: [{ bytes: new Uint8Array([1]), path: null }],
    prompt: [{ content: "<image>Find AB.", role: "user" }],
    ability: "math",
    reward_model: {
      answer: "4",
      ground_truth: "\\boxed{4}",
      accuracy_ratio: 1,
      format_ratio: 0,
      verifier: "mathverify",
      verifier_parm: emptyVerifierParm(),
    },
    extra_info: { id: null, image_path: "images/1.png" },
  };
}

/** A sample with one leaf, named by its dotted path, set to another value or taken away. */
function changed(path: string, value?: unknown): Sample {
  const sample = mathSample();
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce<Record<string, unknown>>(
    (leaf, key) => leaf[key] as Record<string, unknown>,
    sample as never,
  );
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return sample;
}

function problemOf(path: string, value?: unknown, options = {}): DatasetError {
  const sample = changed(path, value);
  try {
    parseSample(sample, { file: "a.parquet", row: 7, ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(DatasetError);
    return error as DatasetError;
  }
  throw new Error("the sample was accepted");
}

describe("parseSample", () => {
  it("accepts a whole sample and leaves out extra leaves", () => {
    const extra = {
      ...mathSample(),
      reward_model: { ...mathSample().reward_model, length_ratio: 0, style: "rule" },
      more: 1,
    };
    expect(parseSample(extra)).toEqual(mathSample());
  });

  it("fills missing leaves", () => {
    const parsed = parseSample({
      data_source: "x",
      prompt: [{ role: "user", content: "2 + 2?" }],
      reward_model: { ground_truth: "4", verifier: "mathverify" },
      extra_info: { id: 12 },
    });
    expect(parsed.images).toEqual([]);
    expect(parsed.reward_model).toMatchObject({ answer: null, accuracy_ratio: 1, format_ratio: 0.1 });
    expect(parsed.reward_model.verifier_parm).toEqual(emptyVerifierParm());
    expect(parsed.extra_info).toEqual({ id: "12", image_path: null });
  });

  it.each<[string, string, unknown, Partial<DatasetError>]>([
    ["a number for text", "data_source", 3, { code: "wrong-type", field: "data_source", found: "3 (number)" }],
    ["no prompt", "prompt", undefined, { code: "missing-field", field: "prompt" }],
    ["an empty prompt", "prompt", [], { code: "missing-field", field: "prompt" }],
    ["text for a prompt", "prompt", "hi", { code: "wrong-type", field: "prompt" }],
    ["no role", "prompt.0.role", undefined, { code: "missing-field", field: "prompt.0.role" }],
    ["no gold", "reward_model.ground_truth", undefined, { code: "missing-field", field: "reward_model.ground_truth" }],
    ["text for a ratio", "reward_model.accuracy_ratio", "1", { field: "reward_model.accuracy_ratio" }],
    ["a negative ratio", "reward_model.format_ratio", -1, { field: "reward_model.format_ratio", found: "-1 (number)" }],
    ["no ratio at all", "reward_model.accuracy_ratio", 0, { code: "bad-value" }],
    [
      "text deep inside",
      "reward_model.verifier_parm.det_reward_ratio.map",
      "a",
      { field: "reward_model.verifier_parm.det_reward_ratio.map" },
    ],
    [
      "an unknown verifier",
      "reward_model.verifier",
      "mathverfy",
      { code: "bad-value", fix: "did you mean mathverify?" },
    ],
    ["too few pictures", "images", [], { code: "image-count", found: "0 pictures" }],
    ["too many marks", "prompt.0.content", "<image><image>", { code: "image-count", found: "1 picture" }],
    ["an empty picture", "images.0.bytes", null, { code: "missing-field", field: "images.0" }],
    ["a gold without boxes", "reward_model.verifier", "detection", { code: "bad-value" }],
    ["not a record", "reward_model", 3, { code: "wrong-type", field: "reward_model" }],
  ])("refuses %s", (_, path, value, expected) => {
    expect(problemOf(path, value)).toMatchObject({ ...expected, file: "a.parquet", row: 7 });
  });

  it("asks a writer for the exact form of the gold", () => {
    expect(problemOf("reward_model.ground_truth", "4", { as: "writer" })).toMatchObject({ expected: "\\boxed{..}" });
  });

  it("accepts a verifier of the user's own", () => {
    const sample = mathSample();
    sample.reward_model.verifier = "mine";
    expect(checkSample(sample, { verifiers: ["mine"] })).toBeNull();
  });

  it("leaves out columns on purpose", () => {
    const { images: _, ...rest } = mathSample();
    expect(parseSample(rest, { without: ["images"] }).images).toEqual([]);
  });

  it("checks 50,000 rows in well under a second", () => {
    const sample = mathSample();
    const start = performance.now();
    for (let i = 0; i < 50_000; i++) parseSample(sample);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("DatasetError", () => {
  it("reads well at 80 columns", () => {
    const { message } = problemOf("images", []);
    expect(message).toBe(
      [
        "a.parquet, row 7, field images",
        "  expected: one picture for each <image> mark of the prompt (1)",
        "  found:    0 pictures",
        "  do:       put one <image> in the prompt for each picture, in their order",
      ].join("\n"),
    );
    for (const line of message.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe("ground truth", () => {
  const boxes = [{ bbox_2d: [484, 227, 818, 998] as const, label: "shiba dog" }];

  it("writes what Orsta writes", () => {
    expect(detectionGroundTruth(boxes)).toBe(
      "<answer>\n[{'bbox_2d': [484, 227, 818, 998], 'label': 'shiba dog'}]\n</answer>",
    );
    expect(boxedGroundTruth("\\frac{1}{2}")).toBe("\\boxed{\\frac{1}{2}}");
    expect(formatBoxes([{ bbox_2d: [0, 0, 1, 1], label: "person's hat" }])).toBe(
      `[{'bbox_2d': [0, 0, 1, 1], 'label': "person's hat"}]`,
    );
  });

  it("reads back every list it writes", () => {
    const coordinate = fc.integer({ min: 0, max: 1000 });
    const box = fc.record({ bbox_2d: fc.tuple(coordinate, coordinate, coordinate, coordinate), label: fc.string() });
    fc.assert(
      fc.property(fc.array(box), (list) => {
        expect(parseDetectionGroundTruth(formatBoxes(list))).toEqual(list);
      }),
    );
  });

  it.each([
    "",
    "4",
    "[",
    "[{'bbox_2d': [1, 2, 3], 'label': 'a'}]",
    "[{'bbox_2d': [1, 2, 3, 4], 'label': 'a'},]",
    "[3]",
  ])("refuses %j", (text) => expect(parseDetectionGroundTruth(text)).toBeNull());

  it("takes the balanced content of the box", () => {
    expect(unboxGroundTruth("so \\boxed{\\frac{1}{2}} it is")).toBe("\\frac{1}{2}");
    expect(unboxGroundTruth("\\boxed{\\{1\\}}")).toBe("\\{1\\}");
    expect(unboxGroundTruth("\\boxed{1")).toBeNull();
    expect(unboxGroundTruth("1")).toBeNull();
  });
});

describe("sources", () => {
  it("are 18, of the 8 tasks, with unique keys and file names", () => {
    expect(sources).toHaveLength(18);
    expect(new Set(sources.map((s) => s.key)).size).toBe(18);
    expect(new Set(sources.map((s) => `${s.task}/${s.fileSource}`)).size).toBe(18);
    expect([...new Set(sources.map((s) => s.task))].sort()).toEqual([...TASKS].sort());
  });

  it("reward boxes with the detection verifier and everything else with mathverify", () => {
    for (const info of sources) {
      const boxes = info.task === "detection" || info.task === "grounding";
      expect(info).toMatchObject(
        boxes ? { verifier: "detection", formatRatio: 0.1 } : { verifier: "mathverify", formatRatio: 0 },
      );
    }
  });

  it("suggest the nearest key", () => {
    expect(() => sourceInfo("geometrie3k")).toThrow("did you mean geometry3k?");
  });
});

describe("file names", () => {
  it.each([
    ["train_math_mmmath_3539.parquet", { split: "train", task: "math", source: "mmmath", count: 3539, copies: 1 }],
    [
      "train_puzzle_puzzlevqa_2648_x2.parquet",
      { split: "train", task: "puzzle", source: "puzzlevqa", count: 2648, copies: 2 },
    ],
    [
      "test_detection_coco_test_multi_2000.parquet",
      { split: "test", task: "detection", source: "coco_test_multi", count: 2000, copies: 1 },
    ],
  ])("%s", (name, parts) => {
    expect(parquetFileName(parts)).toBe(name);
    expect(parseParquetFileName(`some/folder/${name}`)).toEqual(parts);
  });

  it("refuses a part that could not be read back", () => {
    expect(() => parquetFileName({ split: "train", task: "math", source: "a-b", count: 1 })).toThrow(DatasetError);
    expect(parseParquetFileName("data.parquet")).toBeNull();
  });
});

it("counts picture marks", () => {
  expect(["", "<image>", "<image>a<image>", "<images>"].map(countImageMarks)).toEqual([0, 1, 2, 0]);
});

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
