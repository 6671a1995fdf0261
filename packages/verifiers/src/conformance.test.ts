import { describe, expect, it } from "vitest";
import { checkVerifier } from "./conformance";
import type { Verdict, Verifier } from "./verifier";

const SCORED: Verdict = { status: "scored", accuracy: 1, format: 0, metrics: {} };
const samples = [{ groundTruth: "4" }];
const rulesOf = (verify: Verifier["verify"], name = "mine") =>
  new Set(checkVerifier({ name, verify }, { samples, right: [["4", { groundTruth: "4" }]] }).map(({ rule }) => rule));

describe("checkVerifier", () => {
  it("finds nothing wrong with a verifier that keeps the contract", () => {
    expect(rulesOf((response, { groundTruth }) => ({ ...SCORED, accuracy: response === groundTruth ? 1 : 0 }))).toEqual(
      new Set(),
    );
  });

  it("finds each way of breaking it", () => {
    let calls = 0;
    const cases: [string, Verifier["verify"]][] = [
      ["throws", () => JSON.parse("{") as Verdict],
      ["verdict-shape", () => ({ status: "ok" }) as unknown as Verdict],
      ["verdict-shape", () => ({ status: "error", reason: "" })],
      ["range", () => ({ ...SCORED, accuracy: 1.5 })],
      ["range", () => ({ ...SCORED, format: Number.NaN })],
      ["metrics", () => ({ ...SCORED, metrics: { iou: Number.NaN } })],
      ["deterministic", () => ({ ...SCORED, accuracy: calls++ % 2 })],
      ["golden", () => ({ ...SCORED, accuracy: 0 })],
      ["mutates", (_, sample) => Object.assign(sample, { touched: calls++ }) && SCORED],
    ];
    expect(rulesOf((response) => ({ ...SCORED, accuracy: response.trim() === "4" ? 1 : 0 }))).toEqual(
      new Set(["throws"]),
    ); // undefined.trim()
    for (const [rule, verify] of cases) expect(rulesOf(verify), rule).toContain(rule);
    expect(rulesOf(() => SCORED, "two words")).toContain("identity");
  });

  it("finds a slow verdict by the given clock", () => {
    let now = 0;
    const findings = checkVerifier(
      { name: "slow", verify: () => ((now += 50), SCORED) },
      { samples, longestMs: 20, clock: () => now },
    );
    expect(findings[0]).toMatchObject({ rule: "slow", message: "a verdict within 20 ms expected, it took 50 ms" });
  });

  it("wants samples", () =>
    expect(() => checkVerifier({ name: "a", verify: () => SCORED }, { samples: [] })).toThrow("samples is empty"));
});
