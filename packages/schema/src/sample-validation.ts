/**
 * Checks one row against the Orsta layout. arktype validators, compiled once, check the types (50,000 rows take well
 * under a second). What types cannot say (picture marks, gold answers that cannot be read) is checked after.
 *
 * Missing leaves are filled: `accuracy_ratio` 1.0, `format_ratio` 0.1, everything that may be absent null. Extra leaves
 * are left out. Required are `data_source`, `prompt`, `reward_model.ground_truth` and `reward_model.verifier`.
 */
import { describeValue, nearest } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { type } from "arktype";
import { DatasetError, type DatasetErrorCode } from "./dataset-error";
import { parseDetectionGroundTruth, unboxGroundTruth } from "./ground-truth";
import { countImageMarks } from "./image-marks";
import { DEFAULT_ACCURACY_RATIO, DEFAULT_FORMAT_RATIO, KNOWN_VERIFIERS } from "./reward-defaults";
import { DET_RATIO_KEYS, type Sample, type SampleColumn } from "./sample";

/** Where a row is, and how strictly it is read. */
export interface SampleCheckOptions {
  /** File the row is from, for messages. */
  readonly file?: string;
  /** Row in that file, from 0, for messages. */
  readonly row?: number;
  /** Names that `reward_model.verifier` may take; default the verifiers that ship. */
  readonly verifiers?: readonly string[];
  /**
   * `reader` accepts a gold answer without `\boxed{}`, as other corpora have it; `writer` asks for the exact Orsta
   * form. Default `reader`.
   */
  readonly as?: "reader" | "writer";
  /** Columns that were left out on purpose: they are filled with empty values and not checked. */
  readonly without?: readonly SampleColumn[];
}

const iouSchedule = type({ until: "0 < number <= 1", epsilon: "0 < number <= 1" })
  .array()
  .atLeastLength(1)
  .narrow((stages, context) =>
    stages.every(({ until }, index) => index === 0 || until > stages[index - 1]!.until)
      ? true
      : context.mustBe("in rising order of until"),
  );
const ratioLeaf = "number | null";
const lookAt = type("number[] == 4")
  .array()
  .narrow((boxes, context) =>
    boxes.every(([x1, y1, x2, y2]) => x1! >= 0 && y1! >= 0 && x1! < x2! && y1! < y2! && x2! <= 1000 && y2! <= 1000)
      ? true
      : context.mustBe("boxes [x1, y1, x2, y2] in thousandths, from 0 to 1000, with x1 < x2 and y1 < y2"),
  );
const weight = "number >= 0 | null";
const toolReward = type({
  "+": "reject",
  "whenRight?": weight,
  "curiosity?": weight,
  "curiosityTarget?": weight,
  "faithfulness?": weight,
  "faithfulnessBy?": "'iou' | 'containment' | null",
  "callCost?": weight,
});
const rubric = type({ "+": "reject", criterion: "string > 0", "weight?": "number > 0 | null" })
  .array()
  .atLeastLength(1);
const sampleType = type({
  data_source: "string > 0",
  images: type({ bytes: type.instanceOf(Uint8Array).or("null"), path: "string | null" }).array(),
  prompt: type({ content: "string", role: "string > 0" }).array(),
  ability: "string | null",
  reward_model: {
    answer: "string | null",
    ground_truth: "string > 0",
    accuracy_ratio: "number >= 0",
    format_ratio: "number >= 0",
    verifier: "string > 0",
    verifier_parm: {
      det_verifier_normalized: "boolean | null",
      det_reward_ratio: {
        iou_max_label_first: ratioLeaf,
        iou_max_iou_first: ratioLeaf,
        iou_completeness: ratioLeaf,
        map: ratioLeaf,
        map50: ratioLeaf,
        map75: ratioLeaf,
      },
      "type?": "string | null",
      "choices?": "string[] | null",
      "iou_schedule?": iouSchedule.or("null"),
      "look_at?": lookAt.or("null"),
      "tool_reward?": toolReward.or("null"),
      "rubric?": rubric.or("null"),
    },
  },
  extra_info: { id: "string | null", image_path: "string | null", "tags?": "string[] | null" },
});

/**
 * Reads one row of unknown shape as a sample.
 *
 * ```ts
 * parseSample(JSON.parse(line), { file: "mine.jsonl", row: 12 })
 * ```
 * @returns a new object with exactly the leaves of the layout
 * @throws DatasetError naming the row and the leaf that is wrong
 */
export function parseSample(value: unknown, options: SampleCheckOptions = {}): Sample {
  const completed = completeSample(value, options);
  const problem = checkSample(completed as Sample, options);
  if (problem !== null) throw problem;
  return completed as Sample;
}

/**
 * Checks a row that already has the layout's leaves.
 *
 * @returns what is wrong first, or null
 */
export function checkSample(sample: Sample, options: SampleCheckOptions = {}): DatasetError | null {
  if (!sampleType.allows(sample)) return typeProblem(sample, options);
  return contentProblem(sample, options);
}

function typeProblem(sample: unknown, options: SampleCheckOptions): DatasetError {
  const result = sampleType(sample);
  const first = result instanceof type.errors ? result[0] : undefined;
  const found = first === undefined ? sample : leafAt(sample, first.path);
  const missing = found === undefined || found === null;
  return problem(options, missing ? "missing-field" : "wrong-type", {
    field: first === undefined ? undefined : first.path.map(String).join("."),
    expected: first?.expected ?? "a sample",
    found: missing ? "nothing" : `${describeValue(found)} (${typeName(found)})`,
    fix: missing
      ? "add the field; the type Sample of @v-triune/schema lists all of them"
      : "write the field with this type",
  });
}

function contentProblem(sample: Sample, options: SampleCheckOptions): DatasetError | null {
  const skip = options.without ?? [];
  if (!skip.includes("prompt")) {
    if (sample.prompt.length === 0) {
      return problem(options, "missing-field", {
        field: "prompt",
        expected: "at least one message",
        found: "an empty list",
      });
    }
    const video = sample.prompt.findIndex(({ content }) => content.includes(VIDEO_MARK));
    if (video >= 0) return videoProblem(options, `prompt.${video}.content`, `a ${VIDEO_MARK} mark`);
    if (!skip.includes("images")) {
      let marks = 0;
      for (const message of sample.prompt) marks += countImageMarks(message.content);
      if (marks !== sample.images.length) {
        return problem(options, "image-count", {
          field: "images",
          expected: `one picture for each <image> mark of the prompt (${marks})`,
          found: `${sample.images.length} picture${sample.images.length === 1 ? "" : "s"}`,
          fix: "put one <image> in the prompt for each picture, in their order",
        });
      }
      for (const [i, image] of sample.images.entries()) {
        if (image.bytes === null && image.path === null) {
          return problem(options, "missing-field", {
            field: `images.${i}`,
            expected: "bytes or a path",
            found: "neither",
          });
        }
      }
    }
  }
  if (skip.includes("reward_model")) return null;
  return rewardProblem(sample, options);
}

/** Where other trainers' corpora have a video. Without it the model would be asked about nothing. */
const VIDEO_MARK = "<video>";

function videoProblem(options: SampleCheckOptions, field: string, found: string): DatasetError {
  return problem(options, "bad-value", {
    field,
    expected: "text and pictures; videos are not supported",
    found,
    fix: "give frames of the video as pictures, or leave the sample out",
  });
}

function rewardProblem(sample: Sample, options: SampleCheckOptions): DatasetError | null {
  const reward = sample.reward_model;
  const verifiers: readonly string[] = options.verifiers ?? KNOWN_VERIFIERS;
  if (!verifiers.includes(reward.verifier)) {
    const near = nearest(reward.verifier, verifiers);
    return problem(options, "bad-value", {
      field: "reward_model.verifier",
      expected: `one of ${verifiers.join(", ")}`,
      found: describeValue(reward.verifier),
      fix: near === null ? "register the verifier, or fix the name" : `did you mean ${near}?`,
    });
  }
  if (reward.accuracy_ratio + reward.format_ratio === 0) {
    return problem(options, "bad-value", {
      field: "reward_model.accuracy_ratio",
      expected: "a positive accuracy_ratio or format_ratio",
      found: "both are 0, so that every reward would be 0 / 0",
    });
  }
  if (reward.verifier === "detection" && parseDetectionGroundTruth(reward.ground_truth) === null) {
    return problem(options, "bad-value", {
      field: "reward_model.ground_truth",
      expected:
        "<answer>\\n[{'bbox_2d': [x1, y1, x2, y2], 'label': '..'}]\\n</answer>, or an empty list where there is nothing to find",
      found: describeValue(reward.ground_truth),
    });
  }
  if (options.as === "writer" && reward.verifier === "mathverify" && unboxGroundTruth(reward.ground_truth) === null) {
    return problem(options, "bad-value", {
      field: "reward_model.ground_truth",
      expected: "\\boxed{..}",
      found: describeValue(reward.ground_truth),
      fix: "wrap the answer with boxedGroundTruth()",
    });
  }
  return null;
}

/**
 * Copies the leaves of the layout and fills what may be missing; leaves of a wrong type pass through to the type check.
 */
function completeSample(value: unknown, { without = [], ...options }: SampleCheckOptions): unknown {
  if (!isRecord(value)) {
    throw problem(options, "wrong-type", {
      expected: "a record",
      found: `${describeValue(value)} (${typeName(value)})`,
    });
  }
  if (Array.isArray(value["videos"]) && value["videos"].length > 0)
    throw videoProblem(options, "videos", `${value["videos"].length} of them`);
  const row = { ...value };
  for (const column of without) row[column] ??= LEFT_OUT[column];
  return complete(row);
}

/** Makes a leaf or a branch of a sample from what was found in its place. */
type Complete = (found: unknown) => unknown;

const asFound: Complete = (found) => found;
const or =
  (missing: unknown, then: Complete = asFound): Complete =>
  (found) =>
    then(found ?? missing);
const list =
  (item: Complete): Complete =>
  (found) =>
    Array.isArray(found) ? found.map(item) : found;
/** @param optional leaves that are copied where they have a value, and left out where not */
const record = (leaves: Readonly<Record<string, Complete>>, optional: readonly string[] = []): Complete => {
  const entries = Object.entries(leaves);
  return (found) => {
    if (!isRecord(found)) return found;
    const completed: Record<string, unknown> = {};
    for (const [key, leaf] of entries) completed[key] = leaf(found[key]);
    for (const key of optional) if (found[key] !== undefined && found[key] !== null) completed[key] = found[key];
    return completed;
  };
};
/** Owners number their rows; an id is text on disk. */
const idText: Complete = (id) => (typeof id === "number" || typeof id === "bigint" ? String(id) : id);

const complete = record({
  data_source: asFound,
  images: or([], list(record({ bytes: or(null), path: or(null) }))),
  prompt: list(record({ content: asFound, role: asFound })),
  ability: or(null),
  reward_model: record({
    answer: or(null),
    ground_truth: asFound,
    accuracy_ratio: or(DEFAULT_ACCURACY_RATIO),
    format_ratio: or(DEFAULT_FORMAT_RATIO),
    verifier: asFound,
    verifier_parm: or(
      {},
      record(
        {
          det_verifier_normalized: or(null),
          det_reward_ratio: or({}, record(Object.fromEntries(DET_RATIO_KEYS.map((key) => [key, or(null)])))),
        },
        ["type", "choices", "iou_schedule", "look_at", "tool_reward", "rubric"],
      ),
    ),
  }),
  extra_info: or({}, record({ id: or(null, idText), image_path: or(null) }, ["tags"])),
});

/** What stands in a column that was left out on purpose. */
const LEFT_OUT: Partial<Record<SampleColumn, unknown>> = {
  data_source: "unknown",
  prompt: [],
  reward_model: { ground_truth: "\\boxed{}", verifier: "mathverify" },
};

function leafAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let leaf = value;
  for (const key of path) {
    if (typeof leaf !== "object" || leaf === null) return undefined;
    leaf = (leaf as Record<PropertyKey, unknown>)[key];
  }
  return leaf;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value;
}

function problem(
  options: SampleCheckOptions,
  code: DatasetErrorCode,
  details: { field?: string | undefined; expected: string; found: string; fix?: string | undefined },
): DatasetError {
  return new DatasetError({ code, file: options.file, row: options.row, ...details });
}
