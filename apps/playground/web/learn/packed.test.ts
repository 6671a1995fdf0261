import { expect, it } from "vitest";
import { pack, unpack } from "./packed";

it("gives back what it was given, with the numbers that JSON lacks", () => {
  const value = {
    text: 'Ein "Käse" kostet 3 €\n🧀',
    nothing: null,
    numbers: [0.1 + 0.2, 5e-324, -1.7976931348623157e308, Number.NaN, Infinity, -Infinity],
    metrics: { zero: 0, minusZero: -0, loss: -0.25 },
    empty: [{}, []],
  };
  expect(unpack(pack(value))).toStrictEqual(value);
  const rows = Array.from({ length: 200 }, (_, index) => ({ response: "<answer>3</answer>", reward: index / 7 }));
  expect(pack(rows).length).toBeLessThan(JSON.stringify(rows).length / 4);
});
