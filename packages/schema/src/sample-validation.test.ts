import { describe, expect, it } from "vitest";
import { KNOWN_VERIFIERS } from "./reward-defaults";
import { DatasetError } from "./dataset-error";
import { emptyVerifierParm, type Sample } from "./sample";
import { checkSample, parseSample } from "./sample-validation";

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

  it("keeps the parameters of the verifier answer, and only where they are set", () => {
    const withParm = (verifierParm: unknown) =>
      parseSample({
        ...mathSample(),
        reward_model: { ground_truth: "12-30", verifier: "answer", verifier_parm: verifierParm },
      }).reward_model.verifier_parm;
    expect(withParm({ type: "code", choices: ["a", "b"] })).toEqual({
      ...emptyVerifierParm(),
      type: "code",
      choices: ["a", "b"],
    });
    expect(withParm({ type: null, choices: null })).toEqual(emptyVerifierParm());
    expect(() => withParm({ type: 3 })).toThrow("reward_model.verifier_parm.type");
    expect(() => withParm({ choices: "a" })).toThrow("reward_model.verifier_parm.choices");
  });

  it("keeps a sample's own IoU schedule, whose stages are in order", () => {
    const withSchedule = (schedule: unknown) =>
      parseSample({
        ...mathSample(),
        reward_model: { ground_truth: "[]", verifier: "detection", verifier_parm: { iou_schedule: schedule } },
      }).reward_model.verifier_parm;
    const schedule = [
      { until: 0.5, epsilon: 0.5 },
      { until: 1, epsilon: 0.9 },
    ];
    expect(withSchedule(schedule)).toEqual({ ...emptyVerifierParm(), iou_schedule: schedule });
    expect(withSchedule(null)).toEqual(emptyVerifierParm());
    expect(() => withSchedule([...schedule].reverse())).toThrow(/verifier_parm\.iou_schedule[^]*rising order of until/);
    expect(() => withSchedule([{ until: 1, epsilon: 50 }])).toThrow(/iou_schedule\.0\.epsilon/);
    expect(() => withSchedule([])).toThrow(/iou_schedule/);
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
    ["a video", "prompt.0.content", "<image><video>", { field: "prompt.0.content", found: "a <video> mark" }],
    ["an empty picture", "images.0.bytes", null, { code: "missing-field", field: "images.0" }],
    ["a gold without boxes", "reward_model.verifier", "detection", { code: "bad-value" }],
    ["not a record", "reward_model", 3, { code: "wrong-type", field: "reward_model" }],
  ])("refuses %s", (_, path, value, expected) => {
    expect(problemOf(path, value)).toMatchObject({ ...expected, file: "a.parquet", row: 7 });
  });

  it("refuses a column of videos, which would be left out otherwise", () => {
    const videos = [{ bytes: new Uint8Array(1), path: null }];
    expect(() => parseSample({ ...mathSample(), videos })).toThrow(/videos are not supported[^]*frames of the video/);
    expect(parseSample({ ...mathSample(), videos: [] })).toEqual(parseSample(mathSample()));
  });

  it("asks a writer for the exact form of the gold", () => {
    expect(problemOf("reward_model.ground_truth", "4", { as: "writer" })).toMatchObject({ expected: "\\boxed{..}" });
  });

  it("knows every verifier that ships", () => {
    for (const verifier of KNOWN_VERIFIERS) {
      const sample = changed("reward_model.verifier", verifier);
      if (verifier === "detection") sample.reward_model.ground_truth = "[{'bbox_2d': [1, 2, 3, 4], 'label': 'a'}]";
      expect(checkSample(sample)).toBeNull();
    }
  });

  it("accepts a custom verifier", () => {
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
    // Of this process: a busy machine takes longer.
    const start = process.cpuUsage();
    for (let i = 0; i < 50_000; i++) parseSample(sample);
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(2000);
  });
});
