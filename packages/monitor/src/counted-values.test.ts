import fc from "fast-check";
import { expect, it } from "vitest";
import { CountedValues } from "./counted-values";

/** numpy.quantile of the values themselves. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)]!;
  return low + (sorted[Math.ceil(place)]! - low) * (place - Math.floor(place));
}

it("gives the quantiles of all values, in parts that are merged too", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 }),
      (some, others) => {
        const [counted, more] = [new CountedValues(), new CountedValues()];
        for (const value of some) counted.add(value);
        for (const value of others) more.add(value);
        counted.merge(more);
        const shares = [0, 0.01, 0.5, 0.9, 0.99, 1];
        expect(counted.quantiles(shares)).toEqual(shares.map((share) => quantile([...some, ...others], share)));
      },
    ),
  );
  expect(new CountedValues().quantiles([0.5])).toEqual([]);
});
