import { type } from "arktype";
import fc from "fast-check";
import { readJudgeRequest, readScoreRequests } from "@v-triune/rewards";
import { describe, expect, it } from "vitest";
import { openApiDocument } from "./openapi";
import { JudgeBody, ScoreBody } from "./schemas";

const accepts = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch {
    return false;
  }
};
const value = fc.oneof(
  fc.string(),
  fc.constant(null),
  fc.constant(undefined),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant({}),
  fc.constant([]),
  fc.boolean(),
);
const text = fc.oneof({ weight: 30, arbitrary: fc.string() }, { weight: 1, arbitrary: value });
const ratio = fc.oneof(fc.constant(undefined), fc.constant(null), fc.double({ min: 0, max: 2 }), value);
// What is not given is absent, as JSON has no undefined.
const overTheWire = (body: unknown) => JSON.parse(JSON.stringify(body ?? null)) as unknown;

describe("the schemas of /openapi.json", () => {
  it("accept and refuse what the reader of /judge does", () => {
    const fields = {
      response: text,
      prompt: text,
      answer: text,
      solution: text,
      data_source: text,
      reward_verifier: text,
      reward_verifier_parm: text,
      format_ratio: ratio,
      accuracy_ratio: ratio,
    };
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: fc.record(fields) }, { weight: 1, arbitrary: value }), (given) => {
        const body = overTheWire(given);
        const accepted = accepts(() => readJudgeRequest(body));
        seen[accepted ? "accepted" : "refused"]++;
        expect(!(JudgeBody(body) instanceof type.errors)).toBe(accepted);
      }),
      { numRuns: 500, seed: 6 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(50);
  });

  it("accept and refuse what the reader of /v1/score does", () => {
    // Lists as params are left out: the reader and JSON Schema refuse them, while arktype's objects include lists.
    const sample = fc.record({
      response: text,
      verifier: text,
      ground_truth: text,
      prompt: value,
      data_source: fc.oneof(fc.string(), value),
      params: fc.oneof(
        fc.constant({}),
        value.filter((found) => !Array.isArray(found)),
      ),
      accuracy_ratio: ratio,
      format_ratio: ratio,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          { weight: 9, arbitrary: fc.record({ requests: fc.array(sample, { maxLength: 2 }) }) },
          { weight: 1, arbitrary: value },
        ),
        (given) => {
          const body = overTheWire(given);
          expect(!(ScoreBody(body) instanceof type.errors)).toBe(accepts(() => readScoreRequests(body)));
        },
      ),
      { numRuns: 500, seed: 6 },
    );
  });

  it("describe every route, with the server's own verifiers and limits", () => {
    const document = openApiDocument({
      version: "1",
      verifiers: ["mathverify", "mine"],
      token: true,
      batch: 7,
      bodyBytes: 99,
    }) as {
      paths: Record<string, { post?: { responses: Record<string, { description: string }> } }>;
      security: unknown;
    };
    expect(Object.keys(document.paths)).toEqual([
      "/judge",
      "/judge/batch",
      "/v1/score",
      "/openrlhf",
      "/slime",
      "/",
      "/healthz",
      "/readyz",
      "/metrics",
    ]);
    expect(document.paths["/judge"]?.post?.responses["404"]?.description).toContain("mine");
    expect(Object.keys(document.paths["/judge"]?.post?.responses ?? {})).toEqual([
      "200",
      "400",
      "401",
      "404",
      "413",
      "422",
      "500",
      "503",
      "504",
    ]);
    expect(document.security).toEqual([{ bearer: [] }]);
    expect(JSON.stringify(document)).not.toContain("$schema");
  });
});
