import { describe, expect, it } from "vitest";
import { ScoreRequestError, readScoreRequests, readScoreResult, scoreWireRequest } from "./score-contract";

const WIRE = {
  response: "4",
  verifier: "mathverify",
  ground_truth: "4",
  prompt: "q",
  data_source: "mmk12",
  params: { step: 1 },
  accuracy_ratio: 1,
  format_ratio: 0,
};

describe("readScoreRequests", () => {
  it("reads what scoreWireRequest writes", () => {
    const [request] = readScoreRequests({ requests: [WIRE] });
    expect(request).toEqual({
      response: "4",
      verifier: "mathverify",
      sample: { groundTruth: "4", prompt: "q", dataSource: "mmk12", params: { step: 1 } },
      accuracyRatio: 1,
      formatRatio: 0,
    });
    expect(request && scoreWireRequest(request)).toEqual(WIRE);
    expect(scoreWireRequest({ response: "4", verifier: "text", sample: { groundTruth: "4" } })).toEqual({
      response: "4",
      verifier: "text",
      ground_truth: "4",
    });
  });

  it.each([
    [null, "requests: a list expected, found nothing"],
    [{ requests: {} }, "requests: a list expected, found {}"],
    [{ requests: [WIRE, 4] }, "requests[1]: an object expected, found 4"],
    [
      { requests: [{ ...WIRE, response: null }] },
      "requests[0].response: a string or content parts expected, found null",
    ],
    [{ requests: [{ ...WIRE, params: [] }] }, "requests[0].params: an object expected, found []"],
    [
      { requests: [{ ...WIRE, format_ratio: -1 }] },
      "requests[0].format_ratio: a number of at least 0 or null expected, found -1",
    ],
  ])("names what is wrong in %j", (body, message) => expect(() => readScoreRequests(body)).toThrow(message));
});

describe("readScoreResult", () => {
  it("takes results and nothing else", () => {
    const scored = { index: 0, status: "scored", reward: 1, accuracy: 1, format: 0, metrics: {} };
    expect(readScoreResult(scored)).toEqual(scored);
    expect(readScoreResult({ index: 1, status: "error", reason: "timeout", extra: 1 })).toEqual({
      index: 1,
      status: "error",
      reason: "timeout",
    });
    const coded = { index: 1, status: "error", reason: "no time left", code: "deadline" };
    expect(readScoreResult(coded)).toEqual(coded);
    expect(readScoreResult({ ...coded, code: "new in a later server" })).not.toHaveProperty("code");
    for (const broken of [{ ...scored, reward: null }, { ...scored, index: "0" }, { ...scored, status: "ok" }, []])
      expect(() => readScoreResult(broken)).toThrow(ScoreRequestError);
  });
});
