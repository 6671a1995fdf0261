import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  createDetectionVerifier,
  createVerifierRegistry,
  detection,
  mathverify,
  type Verifier,
} from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import {
  JudgeRequestError,
  judgeAsOriginal,
  judgeReply,
  judgeRequestToSample,
  readJudgeRequest,
} from "./judge-contract";
import { scoreRequest } from "./score-request";
import { isJudgeFile, judgeParity, thresholdOfJudgeFile } from "./parity/judge-parity";

const GOLDENS = resolve(import.meta.dirname, "../../../tools/goldens/judge");
const GOLD = "<answer>\n[{'bbox_2d': [0, 0, 100, 100], 'label': 'cat'}]\n</answer>";
const PARM = {
  det_verifier_normalized: false,
  det_reward_ratio: { iou_max_label_first: 1, iou_max_iou_first: 0, iou_completeness: 0.3, map: 0, map50: 0, map75: 0 },
  is_training: true,
  step: 1,
  total_steps: 100,
  image_grid_thw: null,
  image_path: ["a.jpg"],
};
const request = (more: object = {}, parm: object = PARM) => ({
  response: `<think>\nx\n</think>\n${GOLD}`,
  prompt: "<image>\nq",
  answer: "",
  solution: GOLD,
  data_source: "object365_train",
  reward_verifier: "detection",
  reward_verifier_parm: JSON.stringify(parm),
  ...more,
});
const original = createVerifierRegistry([createDetectionVerifier({ compat: true }), mathverify]);

describe("judgeAsOriginal equals the original server", () => {
  it.each(["average.json", "dynamic.json"])("in every number of its 120 replies in %s", (name) => {
    const file: unknown = JSON.parse(readFileSync(resolve(GOLDENS, name), "utf8"));
    if (!isJudgeFile(file)) throw new Error("not a file of requests and replies");
    expect(file).toHaveLength(120);
    const rows = judgeParity(file, { threshold: thresholdOfJudgeFile(name), verifiers: [mathverify] });
    expect(rows).toHaveLength(33);
    expect(rows.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  });

  it("reads the threshold from a file's name", () => {
    expect(["a/dynamic.json", "b/average-2.json", "0.75.json", "x.json"].map(thresholdOfJudgeFile)).toEqual([
      "dynamic",
      "average",
      0.75,
      "average",
    ]);
  });

  const ZEROS = { rewards: { format_reward: 0, accuracy_reward: 0, reflection_reward: 0, final_reward: 0 } };

  it.each([
    ["an unknown verifier", request({ reward_verifier: "detektion" })],
    ["broken parameters", request({ reward_verifier_parm: "{" })],
    ["parameters without a step", request({}, { is_training: true })],
    ["an unknown parameter", request({}, { ...PARM, color: 1 })],
    ["a run of no steps", request({}, { ...PARM, total_steps: 0 })],
    ["ratios of null", request({}, { ...PARM, det_reward_ratio: { map: null } })],
  ])("with zeros for %s", (_, body) => expect(judgeAsOriginal(original, body)).toEqual(ZEROS));

  it("keeps the parts when the ratios cannot be divided by, and a math format without an accuracy", () => {
    expect(judgeAsOriginal(original, request({ accuracy_ratio: 0, format_ratio: 0 })).rewards).toMatchObject({
      format_reward: 1,
      accuracy_reward: 1,
      final_reward: 0,
    });
    const math = {
      reward_verifier: "mathverify",
      solution: "",
      response: "<think>\nx\n</think>\n<answer>\n4\n</answer>",
    };
    expect(judgeAsOriginal(original, request(math)).rewards).toEqual({
      format_reward: 1,
      accuracy_reward: 0,
      reflection_reward: 0,
      final_reward: 0.1 / 1.1,
    });
  });
});

const RECORDS = resolve(import.meta.dirname, "../../../../shared/realdata/orsta_schema/records.json");
if (!existsSync(RECORDS))
  console.warn(
    `skipped: the payloads of Orsta's trainer, ${RECORDS} is missing (it comes with the shared data set, not with ` +
      "the clone)",
  );

describe.skipIf(!existsSync(RECORDS))("payloads of Orsta's own trainer", () => {
  it("are accepted as they are, further keys included", () => {
    const records = Object.values(
      JSON.parse(readFileSync(RECORDS, "utf8")) as Record<string, { reward_server_payload?: object }>,
    );
    const payloads = records.flatMap(({ reward_server_payload: payload }) => payload ?? []);
    expect(payloads.length).toBeGreaterThan(0);
    for (const payload of payloads) {
      const { status, body } = judgeReply(
        scoreRequest(createVerifierRegistry([detection]), judgeRequestToSample(readJudgeRequest(payload))),
      );
      // Five boxes against five, in the right form.
      expect({ status, ...body }).toMatchObject({ status: 200, rewards: { format_reward: 1, size_penalty_reward: 1 } });
      expect(judgeAsOriginal(original, payload)).toMatchObject({
        rewards: { format_reward: 1, size_penalty_reward: 1 },
      });
    }
  });
});

describe("readJudgeRequest", () => {
  it("takes the successor's names of the ratios", () => {
    expect(readJudgeRequest(request({ fmt_ratio: 0.5, len_ratio: null, query: "q" }))).toMatchObject({
      format_ratio: 0.5,
      accuracy_ratio: null,
    });
    expect(readJudgeRequest(request({ fmt_ratio: 0.5, format_ratio: 0.5 })).format_ratio).toBe(0.5);
    expect(readJudgeRequest(request({ fmt_ratio: null, format_ratio: 0.2 })).format_ratio).toBe(0.2);
    for (const [more, message] of [
      [{ fmt_ratio: -1 }, "fmt_ratio: a number of at least 0 or null expected, found -1"],
      [{ len_ratio: "1" }, 'len_ratio: a number of at least 0 or null expected, found "1"'],
      [{ fmt_ratio: 0.5, format_ratio: 1 }, "fmt_ratio: the same as format_ratio, 1, or only one of the two expected"],
    ] as const)
      expect(() => readJudgeRequest(request(more))).toThrow(message);
  });

  it("names what it ignores, and nothing else", () => {
    expect(readJudgeRequest(request({ query: "q", fmt_ratio: 0.1, len_ratio: 0 })).warnings).toBeUndefined();
    expect(readJudgeRequest(request({ acuracy_ratio: 1, len_ratio: 0.2, zzz: null })).warnings).toEqual([
      '"acuracy_ratio": ignored, no such key; did you mean accuracy_ratio?',
      '"zzz": ignored, no such key',
      expect.stringMatching(/^len_ratio: ignored, there is no length reward/),
    ]);
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`unknown${index}`, 1]));
    expect(readJudgeRequest(request(many)).warnings).toHaveLength(9);
  });

  it("joins content parts, and counts what it leaves out", () => {
    const kinds: string[] = [];
    const read = readJudgeRequest(
      request({
        response: [{ role: "assistant", content: [{ type: "text", text: "\\boxed{4}" }] }],
        prompt: [{ role: "user", content: [{ type: "image_url" }, { type: "text", text: "2+2?" }] }],
        solution: [{ type: "text", text: "4" }],
      }),
      { onIgnoredPart: (kind) => void kinds.push(kind) },
    );
    expect(read).toMatchObject({ response: "\\boxed{4}", prompt: "2+2?", solution: "4" });
    expect(kinds).toEqual(["image_url"]);
    expect(() => readJudgeRequest(request({ response: [{ type: "hologram" }] }))).toThrow(
      /^response\[0\]\.type: .* expected, found "hologram"$/,
    );
    expect(() => readJudgeRequest(request({ solution: ["A", "B"] }))).toThrow("solution: a string expected");
  });
});

describe("judgeRequestToSample and judgeReply", () => {
  const registry = createVerifierRegistry([detection, mathverify]);
  const reply = (body: unknown) => judgeReply(scoreRequest(registry, judgeRequestToSample(readJudgeRequest(body))));

  it("scores the documented payload", () => {
    expect(reply(request())).toMatchObject({
      status: 200,
      body: {
        rewards: {
          format_reward: 1,
          accuracy_reward: 1,
          reflection_reward: 0,
          final_reward: 1,
          size_penalty_reward: 1,
        },
      },
    });
  });

  it("says what was not scored, instead of zeros", () => {
    expect(reply(request({ solution: "none" }))).toEqual({
      status: 422,
      body: { status: "skipped", reason: "gold: no box could be read from the ground truth" },
    });
    expect(reply(request({}, { ...PARM, epsilon: 2 }))).toMatchObject({
      status: 400,
      body: { status: "error", reason: expect.stringContaining("epsilon") as unknown },
    });
  });

  it("tells a judging that failed from parameters that are wrong", () => {
    expect(judgeReply({ status: "error", reason: "timeout" })).toEqual({
      status: 500,
      body: { status: "error", reason: "timeout" },
    });
    expect(judgeReply({ status: "error", reason: "params: choices: a list expected", code: "params" }).status).toBe(
      400,
    );
  });

  it("names the field that breaks the contract", () => {
    const broken: [unknown, string][] = [
      [[], "body: a JSON object expected, found []"],
      [{ ...request(), response: 4 }, "response: a string or content parts expected, found 4"],
      [{ ...request(), solution: undefined }, "solution: a string expected, found nothing"],
      [request({ format_ratio: "0.1" }), 'format_ratio: a number of at least 0 or null expected, found "0.1"'],
      [request({ accuracy_ratio: Infinity }), "accuracy_ratio: a number of at least 0 or null expected"],
      [request({ accuracy_ratio: -1 }), "accuracy_ratio: a number of at least 0 or null expected, found -1"],
      [
        { ...request(), prompt: JSON.parse(`${"[".repeat(60_000)}${"]".repeat(60_000)}`) as unknown },
        "prompt[0][0][0][0][0][0][0][0][0]: at most 8 levels of content expected, found more",
      ],
      [
        request({ reward_verifier_parm: "[]" }),
        'reward_verifier_parm: the JSON text of an object expected, found "[]"',
      ],
    ];
    for (const [body, message] of broken) expect(() => reply(body), message).toThrow(message);
    expect(() => reply([])).toThrow(JudgeRequestError);
  });

  it("passes a user's own verifier its prompt, source and parameters", () => {
    const seen: unknown[] = [];
    const mine: Verifier = {
      name: "mine",
      verify: (response, sample) => (
        seen.push([response, sample]),
        { status: "scored", accuracy: 1, format: 1, metrics: { words: 3 } }
      ),
    };
    const outcome = scoreRequest(
      createVerifierRegistry([mine]),
      judgeRequestToSample(readJudgeRequest(request({ reward_verifier: "mine", response: "r" }, { a: 1 }))),
    );
    expect(seen).toEqual([
      ["r", { groundTruth: GOLD, prompt: "<image>\nq", dataSource: "object365_train", params: { a: 1 } }],
    ]);
    expect(judgeReply(outcome).body).toEqual({
      rewards: { format_reward: 1, accuracy_reward: 1, reflection_reward: 0, final_reward: 1, words_reward: 3 },
    });
  });
});
