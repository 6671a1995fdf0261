import { describe, expect, it } from "vitest";
import { Budget } from "./budget";

describe("Budget", () => {
  it("refuses limits that cannot be", () => {
    expect(() => new Budget({ fuel: -1 })).toThrow("fuel: expected a number from 0 to Infinity, found -1");
    expect(() => new Budget({ bits: 2e6 })).toThrow("bits: expected a number from 0 to 1000000, found 2000000");
    expect(() => new Budget({ bits: Number.NaN })).toThrow("found NaN");
  });

  it("grows with the length of the text", () => {
    expect(() => new Budget({}, 0).spend(1_500_001)).toThrow("the step budget is spent");
    expect(() => new Budget({}, 1000).spend(1_510_000)).not.toThrow();
  });

  it("keeps a share for the caller when an attempt ends at a limit", () => {
    const budget = new Budget({ fuel: 100, bits: 8 });
    expect(budget.attempt(0.5, () => budget.spend(51))).toBeUndefined();
    expect(budget.attempt(1, () => budget.checkBits(9))).toBeUndefined();
    budget.spend(50);
    expect(() => budget.spend(1)).toThrow("the step budget is spent");
  });

  it("takes what an attempt spent, and passes on what is no limit", () => {
    const budget = new Budget({ fuel: 100 });
    const spend = (): string => {
      budget.spend(40);
      return "done";
    };
    expect(budget.attempt(0.5, spend)).toBe("done");
    budget.spend(60);
    expect(() => budget.spend(1)).toThrow("the step budget is spent");
    const fault = new Error("another fault");
    expect(() =>
      budget.attempt(0.5, () => {
        throw fault;
      }),
    ).toThrow(fault);
  });
});
