import { describe, expect, it } from "vitest";
import { detectionVerifierParm, type Sample } from "@v-triune/schema";
import type { BoxConvention } from "@v-triune/verifiers";
import { boxConventionOf, boxParameters, type BoxNaming } from "./box-naming";

const sample = (normalized: boolean | null, boxes?: BoxConvention): Sample => ({
  data_source: "d3",
  images: [],
  prompt: [],
  ability: null,
  reward_model: {
    answer: null,
    ground_truth: "<answer>\n[{'bbox_2d': [1, 2, 3, 4], 'label': 'cat'}]\n</answer>",
    accuracy_ratio: 1,
    format_ratio: 0.1,
    verifier: "detection",
    verifier_parm: { ...detectionVerifierParm(), det_verifier_normalized: normalized, ...(boxes && { boxes }) },
  },
  extra_info: { id: null, image_path: null },
});

describe("the convention of an answer", () => {
  it.each<[string, Sample, BoxNaming, { read: BoxConvention | undefined; added: object }]>([
    [
      "repeats of boxes as a run charges them",
      sample(true),
      { override: null, model: "resized-pixels", repeats: "free" },
      { read: "resized-pixels", added: { repeats: "free" } },
    ],
    [
      "Qwen2.5-VL on the paper's corpus",
      sample(true),
      { override: null, model: "resized-pixels" },
      { read: "resized-pixels", added: {} },
    ],
    [
      "Qwen3-VL on the paper's corpus",
      sample(true),
      { override: null, model: "thousandths" },
      { read: "thousandths", added: { boxes: "thousandths" } },
    ],
    ["an unknown model", sample(true), { override: null, model: undefined }, { read: "resized-pixels", added: {} }],
    [
      "a sample that compares as written",
      sample(false),
      { override: null, model: "thousandths" },
      { read: undefined, added: {} },
    ],
    [
      "a sample that says nothing",
      sample(null),
      { override: null, model: "thousandths" },
      { read: undefined, added: {} },
    ],
    [
      "a sample with a convention of its own",
      sample(true, "unit"),
      { override: null, model: "thousandths" },
      { read: "unit", added: {} },
    ],
    [
      "a person's choice",
      sample(true, "unit"),
      { override: "yx-thousandths", model: "thousandths" },
      { read: "yx-thousandths", added: { boxes: "yx-thousandths" } },
    ],
    [
      "a person's choice for a sample that compares as written",
      sample(false),
      { override: "unit", model: "thousandths" },
      { read: "unit", added: { boxes: "unit" } },
    ],
  ])("%s", (_, of, naming, { read, added }) => {
    expect(boxConventionOf(of, naming)).toBe(read);
    expect(boxParameters(of, naming)).toEqual(added);
  });

  it("without a naming, what the sample says", () => {
    expect(boxConventionOf(sample(true), undefined)).toBe("resized-pixels");
    expect(boxParameters(sample(true), undefined)).toEqual({});
  });
});
