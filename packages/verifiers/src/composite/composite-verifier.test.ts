import { describe, expect, it } from "vitest";
import { checkVerifier } from "../conformance";
import { choice } from "../choice/choice-verifier";
import { mathverify } from "../mathverify/mathverify-verifier";
import { number } from "../number/number-verifier";
import { text } from "../text/text-verifier";
import type { Verdict, Verifier } from "../verifier";
import { createCompositeVerifier } from "./composite-verifier";

const saying = (name: string, verdict: Verdict): Verifier => ({ name, verify: () => verdict });
const right = (name: string) => saying(name, { status: "scored", accuracy: 1, format: 1, metrics: { m: 1 } });
const half = (name: string) => saying(name, { status: "scored", accuracy: 0.5, format: 0, metrics: {} });
const skipped = saying("skips", { status: "skipped", reason: "gold" });
const broken = saying("breaks", { status: "error", reason: "crash" });
const undecided = saying("u", { status: "scored", accuracy: 0, format: 1, metrics: {}, reason: "undecided" });
const sample = { groundTruth: "x" };
const verdictOf = (mode: "all" | "any" | "weighted", ...parts: (Verifier | [Verifier, number])[]) =>
  createCompositeVerifier({
    name: "c",
    mode,
    parts: parts.map((part) => (Array.isArray(part) ? { verifier: part[0], weight: part[1] } : { verifier: part })),
  }).verify("", sample);

describe("composite", () => {
  it("combines accuracy and format by its mode", () => {
    expect(verdictOf("all", right("a"), half("b"))).toEqual({
      status: "scored",
      accuracy: 0.5,
      format: 0,
      metrics: { "a/accuracy": 1, "a/m": 1, "b/accuracy": 0.5 },
    });
    expect(verdictOf("any", right("a"), half("b"))).toMatchObject({ accuracy: 1, format: 1 });
    expect(verdictOf("weighted", [right("a"), 3], half("b"))).toMatchObject({ accuracy: 0.875, format: 0.75 });
  });

  it("scores nothing half judged", () => {
    expect(verdictOf("all", right("a"), skipped)).toEqual({ status: "skipped", reason: "skips: gold" });
    expect(verdictOf("weighted", skipped, broken)).toEqual({ status: "error", reason: "breaks: crash" });
    expect(verdictOf("any", skipped, saying("b", skipped.verify("", sample)))).toEqual({
      status: "skipped",
      reason: "skips: gold",
    });
    expect(verdictOf("any", right("a"), broken)).toMatchObject({ status: "scored", accuracy: 1 });
    expect(verdictOf("any", half("a"), broken)).toEqual({ status: "error", reason: "breaks: crash" });
  });

  it("judges right and wrong answers by the parts that read the gold answer", () => {
    expect(verdictOf("any", half("a"), skipped)).toMatchObject({ status: "scored", accuracy: 0.5 });
    const either = createCompositeVerifier({
      name: "either",
      mode: "any",
      parts: [{ verifier: mathverify }, { verifier: choice }],
    });
    const gold = { groundTruth: "\\boxed{12}" };
    expect(either.verify("\\boxed{12}", gold)).toMatchObject({ status: "scored", accuracy: 1 });
    expect(either.verify("\\boxed{13}", gold)).toMatchObject({ status: "scored", accuracy: 0 });
    const params = saying("p", { status: "error", reason: "params", code: "params" });
    expect(verdictOf("any", right("a"), params)).toEqual({ status: "error", reason: "p: params", code: "params" });
    expect(verdictOf("any", half("a"), params)).toEqual({ status: "error", reason: "p: params", code: "params" });
  });

  it("is undecided when a part is, unless another settles it", () => {
    expect(verdictOf("weighted", right("a"), undecided)).toMatchObject({ accuracy: 0.5, reason: "undecided" });
    expect(verdictOf("any", right("a"), undecided)).not.toHaveProperty("reason");
  });

  it("gives each part its parameters and checks them", () => {
    const both = createCompositeVerifier({
      name: "both",
      mode: "all",
      parts: [
        { verifier: number, params: { tolerance: 0 } },
        { verifier: text, params: { metric: "cer" } },
      ],
    });
    expect(both.verify("100", { groundTruth: "100", params: { tolerance: 1 } })).toMatchObject({ accuracy: 1 });
    expect(both.verify("101", { groundTruth: "100", params: { tolerance: 1 } })).toMatchObject({ accuracy: 0 });
    expect(both.params?.["~standard"].validate({ answers: 3 })).toMatchObject({
      issues: [{ message: "text: answers: a list of strings expected, found 3" }],
    });
    expect(both.params?.["~standard"].validate({})).toEqual({ value: {} });
  });

  it("refuses parts that make no sense", () => {
    expect(() => createCompositeVerifier({ name: "c", mode: "all", parts: [] })).toThrow('"c" has no parts');
    expect(() => verdictOf("all", right("a"), half("a"))).toThrow('two parts of "c" are named "a"');
    expect(() => verdictOf("weighted", [right("a"), -1], half("b"))).toThrow('the weights of "c" are -1, 1');
  });

  it("conforms", () => {
    const either = createCompositeVerifier({
      name: "either",
      mode: "any",
      parts: [{ verifier: number }, { verifier: text }],
    });
    const gold = { groundTruth: "100" };
    expect(checkVerifier(either, { samples: [gold], right: [["100", gold]], wrong: [["7", gold]] })).toEqual([]);
  });
});
