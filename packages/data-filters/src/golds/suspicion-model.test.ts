import { describe, expect, it } from "vitest";
import {
  divisionKey,
  divisionOf,
  fitSource,
  suspicionOf,
  type CountedDivision,
  type Division,
} from "./suspicion-model";

const division = (gold: number, ...others: number[]): Division => ({ gold, others });
const counted = (count: number, gold: number, ...others: number[]): CountedDivision => ({
  division: division(gold, ...others),
  count,
});

/** A model that is right seven times of eight, and whose errors differ. */
const GOOD = [counted(60, 8), counted(30, 7, 1), counted(20, 6, 1, 1), counted(6, 4, 1, 1, 1, 1), counted(3, 0, 8)];

describe("the chance that a gold is wrong", () => {
  it("is the formula, summed over who is right", () => {
    const behavior = { accuracy: 0.75, spread: 4, variety: 2, wrongShare: 0.1 };
    // α = 3, β = 1, θ = 2; two answers, both the same and not the gold.
    const rising = (x: number, n: number): number =>
      Array.from({ length: n }, (_, i) => x + i).reduce((a, b) => a * b, 1);
    const right = (c: number): number => (rising(3, c) * rising(1, 2 - c)) / rising(4, 2);
    const goldRight = 0.9 * right(0) * ((2 * 1) / rising(2, 2));
    const otherRight = 0.1 * right(2) * (2 / rising(2, 1));
    const noneRight = 0.1 * right(0) * ((2 * 1 * 2) / rising(2, 3));
    expect(suspicionOf(division(0, 2), behavior)).toBeCloseTo(
      (otherRight + noneRight) / (goldRight + otherRight + noneRight),
      12,
    );
  });

  it("grows with agreement against the gold, and falls with answers that give it", () => {
    const behavior = fitSource(GOOD);
    const chances = [division(8), division(4, 4), division(1, 7), division(0, 7, 1), division(0, 8)].map((one) =>
      suspicionOf(one, behavior),
    );
    expect(chances).toEqual([...chances].sort((a, b) => a - b));
    expect(chances[0]).toBeLessThan(0.001);
    expect(chances.at(-1)).toBeGreaterThan(0.9);
    expect(suspicionOf(division(0, 1, 1, 1, 1, 1, 1, 1, 1), behavior)).toBeLessThan(0.5);
  });

  it("is lower where the model's errors agree, and where the model is poor", () => {
    const agreeing = fitSource([
      counted(60, 8),
      counted(20, 5, 3),
      counted(15, 3, 5),
      counted(6, 1, 7),
      counted(3, 0, 8),
    ]);
    const poor = fitSource([
      counted(20, 8),
      counted(30, 3, 2, 1, 1, 1),
      counted(40, 0, 3, 2, 1, 1, 1),
      counted(10, 0, 8),
    ]);
    const good = suspicionOf(division(0, 8), fitSource(GOOD));
    expect(suspicionOf(division(0, 8), agreeing)).toBeLessThan(good - 0.1);
    expect(suspicionOf(division(0, 8), poor)).toBeLessThan(good);
  });

  it("estimates the accuracy without the rows whose gold is wrong", () => {
    const wrong = fitSource([counted(95, 8), counted(5, 0, 8)]);
    expect(wrong.accuracy).toBeGreaterThan(0.95);
    expect(fitSource([])).toMatchObject({ accuracy: expect.closeTo(0.5, 1), wrongShare: 0.033 });
  });

  it("spreads the share of wrong rows over the questions of a row", () => {
    const { wrongShare } = fitSource(GOOD, 3);
    expect(1 - (1 - wrongShare) ** 3).toBeCloseTo(0.033, 12);
  });

  it("does not depend on the order of classes or rows", () => {
    const behavior = fitSource(GOOD);
    const other = fitSource([...GOOD].reverse());
    expect(other.accuracy).toBeCloseTo(behavior.accuracy, 2);
    expect(suspicionOf(division(1, 2, 5), behavior)).toBeCloseTo(suspicionOf(division(1, 5, 2), behavior), 12);
    expect(divisionOf(divisionKey(division(2, 5, 1)))).toEqual(division(2, 5, 1));
    expect(divisionOf(divisionKey(division(2)))).toEqual(division(2));
  });
});
