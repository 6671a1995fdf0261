import { expect, it } from "vitest";
import { classifyAnswers, type AnswerClasses } from "./answer-classes";

const classes = (gold: string, texts: readonly string[], hints = {}): AnswerClasses | null =>
  classifyAnswers(
    `\\boxed{${gold}}`,
    texts.map((text) => ({ text, accuracy: null })),
    hints,
  );

it("takes answers of one meaning for one, however they are written", () => {
  expect(
    classes("7", [
      "\\boxed{1/2}",
      "The answer is 0.5.",
      "<think>7?</think><answer>\\boxed{\\frac12}</answer>",
      "\\boxed{7}",
      "7.0",
    ]),
  ).toEqual({ gold: 2, others: [{ text: "1/2", count: 3 }], unread: 0 });
});

it("takes a letter and the text of its choice for one", () => {
  expect(
    classes("dog", ["\\boxed{B}", "C", "The answer is cat.", "(C) cat"], { choices: ["bird", "dog", "cat"] }),
  ).toEqual({
    gold: 1,
    others: [{ text: "C", count: 3 }],
    unread: 0,
  });
});

it("orders classes by size, and keeps responses without an answer out of them", () => {
  expect(classes("7", ["<think>so", "\\boxed{9}", "\\boxed{8}", "\\boxed{8}"])).toEqual({
    gold: 0,
    others: [
      { text: "8", count: 2 },
      { text: "9", count: 1 },
    ],
    unread: 1,
  });
});

it("believes a stated verdict that the gold was given", () => {
  const responses = [
    { text: "\\boxed{seven apples}", accuracy: 1 },
    { text: "\\boxed{8}", accuracy: 0 },
  ];
  expect(classifyAnswers("\\boxed{7}", responses)).toMatchObject({ gold: 1, others: [{ text: "8", count: 1 }] });
});

it("judges no gold that cannot be read, and leaves out hints that do not fit", () => {
  expect(classes(" ", ["\\boxed{8}"])).toBeNull();
  expect(classes("7", ["\\boxed{7}"], { type: "no such type", choices: ["a", "b"] })).toMatchObject({ gold: 1 });
});

it("ends in time for 64 responses of 64 meanings", () => {
  const texts = Array.from({ length: 64 }, (_, i) => `\\boxed{x^${i} + ${i}}`);
  expect(classes("7", texts)?.others).toHaveLength(64);
});
