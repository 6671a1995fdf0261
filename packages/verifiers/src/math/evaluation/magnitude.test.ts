import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Budget } from "../budget";
import { type Expression, INFINITY, PI, call, integerNode, number, pow, productOf, sumOf } from "../tree/expression";
import { integer, logarithmBounds, rational } from "../rational";
import { Calculator } from "./calculator";
import { type Magnitude, areApart, orderOf } from "./magnitude";

const calculator = (): Calculator => new Calculator(new Budget({}));
const of = (x: Expression): Magnitude => calculator().magnitude(x);
const whole = (n: bigint): Expression => number(integer(n));
const power = (base: bigint, exponent: bigint): Expression => pow(whole(base), whole(exponent));

describe("magnitudes", () => {
  it("hold the logarithm of the value", () => {
    const tree = fc.letrec<{ tree: Expression }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc
          .tuple(fc.bigInt({ min: -99n, max: 99n }), fc.bigInt({ min: 1n, max: 99n }))
          .map(([n, d]) => number(rational(n, d))),
        fc.tuple(tie("tree"), tie("tree")).map((args) => sumOf(args)),
        fc.tuple(tie("tree"), tie("tree")).map((args) => productOf(args)),
        fc.tuple(tie("tree"), fc.integer({ min: -30, max: 30 })).map(([base, k]) => pow(base, integerNode(k))),
        fc.integer({ min: 1, max: 60 }).map((n) => call("factorial", [integerNode(n)])),
        fc
          .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }))
          .map(([n, k]) => call("binomial", [integerNode(n), integerNode(k)])),
      ),
    })).tree;
    let held = 0;
    fc.assert(
      fc.property(tree, (x) => {
        const value = calculator().evaluateExactly(x);
        if (!value || value.n === 0n) return;
        const { sign, low, high } = of(x);
        const [least, most] = logarithmBounds(value);
        // The reference has rounding of its own.
        if (most < low || least > high) throw new Error(`${low} to ${high}, not ${least} to ${most}`);
        if (sign !== 0) expect(sign).toBe(value.n > 0n ? 1 : -1);
        held++;
      }),
      { numRuns: 2000, seed: 32 },
    );
    expect(held).toBeGreaterThan(1000);
  });

  it("stay numbers beyond doubles", () => {
    expect(of(power(2n, 20000n)).low).toBeCloseTo(20000 * Math.LN2, 6);
    // Stirling: ln((10^12)!) is about n ln n - n.
    expect(of(call("factorial", [power(10n, 12n)])).high / (1e12 * (12 * Math.LN10 - 1))).toBeCloseTo(1, 6);
    const tower = pow(integerNode(2), pow(integerNode(2), power(2n, 65536n)));
    expect(of(tower).low).toBeGreaterThan(1e308);
    expect(of(tower).high).toBe(Number.MAX_VALUE);
    expect(areApart(of(tower), of(power(10n, 100000n)))).toBe(true);
    expect(areApart(of(tower), of(INFINITY))).toBe(true);
    expect(areApart(of(tower), of(tower))).toBe(false);
  });

  it("order what doubles cannot", () => {
    const [small, large] = [of(power(2n, 20000n)), of(power(2n, 20001n))];
    expect(orderOf(small, large)).toBeLessThan(0);
    expect(orderOf(large, small)).toBeGreaterThan(0);
    expect(orderOf(large, large)).toBeNaN();
  });
});

describe("nearValue", () => {
  it("is the value where only a part is beyond doubles, and not a number where the whole is", () => {
    const nearValue = (x: Expression) => calculator().nearValue(x);
    expect(nearValue(call("log", [power(2n, 20000n), integerNode(2)])).re).toBeCloseTo(20000, 6);
    expect(nearValue(pow(PI, whole(99999n))).re).toBeNaN();
    expect(nearValue(INFINITY).re).toBe(Infinity);
  });
});
