import { describe, expect, it } from "vitest";
import { answer } from "../answer/answer-verifier";
import { number } from "../number/number-verifier";
import {
  autoevalsScorer,
  evaliteScorer,
  langsmithEvaluator,
  mastraSteps,
  NoVerdictError,
  promptfooAssertion,
} from "./index";

const right = { output: "The width is **50 mm**.", expected: "5 cm" };
const wrong = { output: "The width is 6 cm.", expected: "5 cm" };
const bad = { output: "5 cm", expected: "" };

describe("autoevalsScorer", () => {
  const scorer = autoevalsScorer(answer);
  it("gives a score, and null without a verdict", () => {
    expect(scorer(right)).toMatchObject({ name: "answer", score: 1, metadata: { status: "scored" } });
    expect(scorer(wrong)).toMatchObject({ score: 0 });
    expect(scorer(bad)).toMatchObject({ score: null, metadata: { status: "skipped", reason: "gold: it is empty" } });
    expect(scorer({ output: "5" })).toMatchObject({ score: null, metadata: { reason: "there is no expected value" } });
  });

  it("has the name and the parameters that are asked for", () => {
    const named = autoevalsScorer(number, { name: "chart", params: { tolerance: 0 } });
    expect([named.name, named({ output: "103", expected: 100 }).score]).toEqual(["chart", 0]);
    expect(autoevalsScorer(number)({ output: "103", expected: 100 })).toMatchObject({ name: "number", score: 1 });
  });

  it("reads numbers, messages and content parts", () => {
    const text = [{ type: "text", text: "5 cm" }];
    for (const output of [
      [
        { role: "user", content: "6 cm?" },
        { role: "assistant", content: text },
      ],
      { role: "assistant", content: "5 cm" },
      [
        { role: "assistant", content: { format: 2, parts: text } },
        { role: "user", content: "6 cm" },
      ],
      { text: "5 cm" },
    ])
      expect(scorer({ output, expected: "5 cm" }), JSON.stringify(output)).toMatchObject({ score: 1 });
    expect(scorer({ output: 12, expected: 12 }).score).toBe(1);
    expect(scorer({ output: null, expected: 12 }).score).toBe(0);
  });
});

describe("evaliteScorer", () => {
  const { name, scorer } = evaliteScorer(answer, { name: "width" });
  it("gives a number, and throws the reason without a verdict", () => {
    expect([name, scorer(right).score, scorer(wrong).score]).toEqual(["width", 1, 0]);
    expect(() => scorer(bad)).toThrow(NoVerdictError);
    expect(() => scorer(bad)).toThrow("skipped: gold: it is empty");
  });
});

describe("langsmithEvaluator", () => {
  const evaluator = langsmithEvaluator(answer, { expected: "width" });
  it("finds the texts by their keys, and gives no score without a verdict", () => {
    const outputs = { text: right.output };
    expect(evaluator({ outputs, referenceOutputs: { width: "5 cm", id: 3 } })).toEqual({ key: "answer", score: 1 });
    expect(evaluator({ outputs, reference_outputs: { width: "6 cm" } })).toEqual({ key: "answer", score: 0 });
    expect(evaluator({ outputs, referenceOutputs: {} })).toEqual({
      key: "answer",
      comment: "no verdict (skipped): there is no expected value",
    });
    expect(langsmithEvaluator(answer)({ outputs: "5 cm", reference_outputs: "50 mm" })).toMatchObject({ score: 1 });
  });
});

describe("mastraSteps", () => {
  const { config, generateScore, generateReason } = mastraSteps(answer);
  const run = ({ output, expected }: typeof right) => ({ run: { output, groundTruth: expected } });
  it("scores a run and says why", () => {
    expect(config).toMatchObject({ id: "answer" });
    expect([generateScore(run(right)), generateReason(run(right))]).toEqual([1, "right"]);
    expect([generateScore(run(wrong)), generateReason(run(wrong))]).toEqual([0, "wrong"]);
    expect(() => generateScore(run(bad))).toThrow(NoVerdictError);
    expect(generateReason(run(bad))).toBe("gold: it is empty");
  });
});

describe("promptfooAssertion", () => {
  const assertion = promptfooAssertion(answer);
  const vars = { expected: "5 cm" };
  it("grades by the variable or the assertion's config", () => {
    expect(assertion(right.output, { vars })).toMatchObject({ pass: true, score: 1 });
    expect(assertion(wrong.output, { vars })).toMatchObject({
      pass: false,
      score: 0,
      reason: "answer: wrong, accuracy 0, expected 5 cm",
    });
    expect(assertion(wrong.output, { vars, config: { expected: "6 cm" } })).toMatchObject({ pass: true });
    expect(promptfooAssertion(answer, { expected: "gold" })(right.output, { vars: { gold: "5 cm" } }).pass).toBe(true);
    const loose = promptfooAssertion(number);
    expect(loose("103", { vars: { expected: 100 } }).pass).toBe(true);
    expect(loose("103", { vars: { expected: 100 }, config: { params: { tolerance: 0 } } }).pass).toBe(false);
  });

  it("says that it was the grader, not the model, without a verdict", () => {
    expect(assertion("5", { vars: {} })).toEqual({
      pass: false,
      score: 0,
      reason: "no verdict (skipped): there is no expected value",
      metadata: { status: "skipped", reason: "there is no expected value", graderError: true },
    });
  });
});
