import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planMicroBatches } from "./micro-batches";

describe("planMicroBatches", () => {
  it("keeps every row once and every limit, whatever the lengths", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 200 }),
        fc.boolean(),
        (lengths, rows, tokens, counted) => {
          const count = (batch: readonly number[]) => batch.length * Math.max(...batch.map((i) => lengths[i]!));
          const plan = planMicroBatches(lengths, { rows, tokens }, counted ? count : undefined);
          expect(plan.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          for (const batch of plan) {
            expect(batch.length).toBeLessThanOrEqual(rows);
            if (batch.length > 1) expect(count(batch)).toBeLessThanOrEqual(tokens);
          }
        },
      ),
    );
  });

  it("sorts by length for a policy that pads, and keeps rows that share a prompt together", () => {
    const lengths = [1, 9, 1, 9];
    const padded = (rows: readonly number[]) => rows.length * Math.max(...rows.map((i) => lengths[i]!));
    expect(planMicroBatches(lengths, { rows: 2 }, padded)).toEqual([
      [1, 3],
      [0, 2],
    ]);
    // Rows 0 and 1 share a prompt of 20 tokens, so do 2 and 3.
    const shared = (rows: readonly number[]) =>
      20 * new Set(rows.map((i) => i >> 1)).size + rows.reduce((sum, i) => sum + lengths[i]!, 0);
    expect(planMicroBatches(lengths, { tokens: 35 }, shared)).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it("cuts an update into parts of about equal cost, but not into tiny ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 100, max: 4000 }),
        (lengths, parts, tokens) => {
          const count = (batch: readonly number[]) => batch.reduce((sum, i) => sum + lengths[i]!, 0);
          const all = count(lengths.map((_, i) => i));
          const plan = planMicroBatches(lengths, { tokens, parts }, count);
          expect(plan.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          const limited = planMicroBatches(lengths, { tokens }, count).length;
          expect(plan.length).toBeLessThanOrEqual(Math.max(limited, Math.min(parts, Math.floor(all / 128))));
          for (const batch of plan) if (batch.length > 1) expect(count(batch)).toBeLessThanOrEqual(tokens);
          // Greedy filling wastes at most one row a part.
          if (plan.length > limited)
            expect(Math.max(...plan.map(count))).toBeLessThanOrEqual(
              (all / plan.length) * 1.1 + 2 * Math.max(...lengths),
            );
        },
      ),
    );
    const equal = Array.from({ length: 16 }, () => 80);
    expect(planMicroBatches(equal, { parts: 4 }, (batch) => 80 * batch.length).map((batch) => batch.length)).toEqual([
      4, 4, 4, 4,
    ]);
    expect(planMicroBatches([60, 60], { parts: 4 }, (batch) => 60 * batch.length)).toEqual([[0, 1]]);
  });

  it("takes all rows at once without limits, and refuses limits below 1", () => {
    expect(planMicroBatches([3, 1, 2])).toEqual([[0, 1, 2]]);
    expect(planMicroBatches([])).toEqual([]);
    expect(() => planMicroBatches([1], { tokens: 0 })).toThrow("microBatch.tokens must be at least 1, found 0");
  });
});
