import fc from "fast-check";
import { expect, it } from "vitest";
import { REDUCTIONS, type Reduction, reductionOf, sumFactors } from "./reduction";

/** A server's gradient: of losses by row and request, as each reduction defines it. */
function served(reduction: Reduction, requests: readonly (readonly { n: number; loss: number }[])[]): number {
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const ofRequest = (rows: (typeof requests)[number]): number => {
    if (reduction === "sum") return sum(rows.map(({ loss }) => loss));
    if (reduction === "token-mean") return sum(rows.map(({ loss }) => loss)) / sum(rows.map(({ n }) => n));
    return sum(rows.map(({ n, loss }) => loss / n)) / (reduction === "row-mean" ? 1 : rows.length);
  };
  const total = sum(requests.map(ofRequest));
  return reduction === "row-mean" ? total / requests.flat().length : total;
}

it.each(REDUCTIONS)("%s: the factors give a plain sum, however rows are cut into requests", (reduction) => {
  const rows = fc.array(
    fc.record({ n: fc.integer({ min: 1, max: 50 }), loss: fc.double({ min: -2, max: 2, noNaN: true }) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), (requests) => {
      const factors = sumFactors(
        reduction,
        requests.map((some) => some.map(({ n }) => n)),
      );
      const scaled = requests.map((some, q) => some.map(({ n, loss }, r) => ({ n, loss: loss * factors[q]![r]! })));
      const wanted = requests.flat().reduce((sum, { loss }) => sum + loss, 0);
      expect(served(reduction, scaled)).toBeCloseTo(wanted, 9);
    }),
  );
});

it.each(REDUCTIONS)("%s is told by the norms that it gives", (reduction) => {
  const short = { n: 4, loss: 1 };
  const alone = served(reduction, [[short]]);
  const withLongRow = served(reduction, [[short, { n: 8, loss: 0 }]]) / alone;
  const twoRequests = served(reduction, [[short], [short]]) / alone;
  expect(reductionOf({ withLongRow, twoRequests })).toBe(reduction);
});

it("is told by coarse moves, and not by those that half precision spoils", () => {
  expect(reductionOf({ withLongRow: 0.46 / 1.31, twoRequests: 2.17 / 1.31 }, 0.25)).toBe("token-mean");
  expect(reductionOf({ withLongRow: 0.105 / 0.332, twoRequests: 0.43 / 0.332 }, 0.25)).toBeUndefined();
});

it("is not guessed", () => {
  expect(reductionOf({ withLongRow: 0.7, twoRequests: 2 })).toBeUndefined();
  expect(reductionOf({ withLongRow: Number.NaN, twoRequests: 2 })).toBeUndefined();
});
