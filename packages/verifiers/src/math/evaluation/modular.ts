/**
 * Integers modulo a number.
 */
import type { Budget } from "../budget";

/** The residue from 0 up to the modulus. */
export function modulo(a: bigint, modulus: bigint): bigint {
  const rest = a % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** The integer nearest 0 that has a residue. */
export function centered(residue: bigint, modulus: bigint): bigint {
  return residue > modulus / 2n ? residue - modulus : residue;
}

/** base^exponent by squaring; the exponent is not negative. */
export function powerModulo(budget: Budget, base: bigint, exponent: bigint, modulus: bigint): bigint {
  const bits = exponent.toString(2);
  budget.spend(2 * bits.length);
  let result = 1n;
  for (const bit of bits) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
}

/** The product of `count` integers in a row; each is a step. */
export function risingProduct(budget: Budget, from: bigint, count: bigint, modulus: bigint): bigint {
  budget.spend(Number(count));
  let product = 1n;
  // Four factors at a time: dividing by the modulus is what takes long.
  let factors = 1n;
  for (let i = 0n; i < count; i++) {
    factors *= from + i;
    if (i % 4n < 3n && i < count - 1n) continue;
    product = (product * factors) % modulus;
    factors = 1n;
  }
  return modulo(product, modulus);
}
