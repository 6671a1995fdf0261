import { describe, expect, it } from "vitest";
import { Budget } from "../budget";
import { type Expression, integerNode, number, pow, productOf, sumOf, symbol } from "../tree/expression";
import { integer, rational } from "../rational";
import { Calculator } from "./calculator";
import { MODULI } from "./residue";

const [prime] = MODULI as [bigint];
const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
};
/** Miller and Rabin's test. */
const isPrime = (n: bigint): boolean => {
  let odd = n - 1n;
  while (odd % 2n === 0n) odd /= 2n;
  return [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n].every((base) => {
    let x = power(base, odd, n);
    if (x === 1n) return true;
    for (let exponent = odd; exponent < n - 1n; exponent *= 2n) {
      if (x === n - 1n) return true;
      x = (x * x) % n;
    }
    return false;
  });
};
const of = (x: Expression): bigint | null => new Calculator(new Budget({})).residue(x);
const withUnknowns = (x: Expression): bigint | null => new Calculator(new Budget({})).residueWithUnknowns(x);
const whole = (n: bigint): Expression => number(integer(n));
const two = integerNode(2);

describe("residues", () => {
  it("count modulo a prime, exponents modulo its φ, which is twice a prime, and so on", () => {
    expect(isPrime(prime)).toBe(true);
    for (const [i, modulus] of MODULI.slice(1, -1).entries()) {
      expect(isPrime(modulus / 2n)).toBe(true);
      expect(MODULI[i + 2]).toBe(modulus / 2n - 1n);
    }
    expect(MODULI[1]).toBe(prime - 1n);
    expect(isPrime(561n)).toBe(false);
  });

  it("are those of the number", () => {
    expect(of(pow(two, whole(20000n)))).toBe(power(2n, 20000n, prime));
    expect(of(pow(integerNode(-3), whole(20001n)))).toBe(prime - power(3n, 20001n, prime));
    expect((of(number(rational(7n, 12n)))! * 12n) % prime).toBe(7n);
    expect((of(pow(two, whole(-20000n)))! * power(2n, 20000n, prime)) % prime).toBe(1n);
    expect(of(sumOf([whole(prime + 5n), integerNode(-7)]))).toBe(prime - 2n);
  });

  it("of towers are taken by Euler's theorem", () => {
    const exponent = 2n ** 70000n;
    expect(of(pow(integerNode(6), pow(two, whole(70000n))))).toBe(power(6n, exponent % (prime - 1n), prime));
    expect(of(pow(integerNode(6), productOf([integerNode(-1), pow(two, whole(70000n))])))).toBe(
      power(6n, prime - 1n - (exponent % (prime - 1n)), prime),
    );
  });

  it("are none for what is irrational or unknown, unless it may stand for itself", () => {
    const x = symbol("x", true);
    const root = pow(two, number(rational(1n, 2n)));
    for (const tree of [x, root]) {
      expect(of(tree)).toBeNull();
      expect(withUnknowns(sumOf([tree, two]))).toBe(withUnknowns(sumOf([two, tree])));
      expect(withUnknowns(tree)).not.toBe(withUnknowns(two));
    }
  });
});
