/**
 * Unknown functions `f(x)`: a fixed smooth function drawn from the name stands for each. Two trees with the same f at
 * the same places then agree, others do not.
 */
import type { Budget } from "../budget";
import { type Approximation, cosine, exactly, plus, times } from "./complex";

/** Σ c_i·cos(arg·a_i + b_i) with coefficients from the name: smooth, so that rounding in the arguments stays small. */
export function unknownFunction(budget: Budget, name: string, args: readonly Approximation[]): Approximation {
  budget.spend(name.length);
  let seed = 2166136261;
  for (const letter of name) seed = Math.imul(seed ^ letter.charCodeAt(0), 16777619);
  const draw = (): Approximation => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return exactly(((seed >>> 0) % 9973) / 9973 + 0.3);
  };
  return args.reduce((total, arg) => {
    const wave = cosine(plus(times(draw(), arg), draw()));
    return plus(times(total, draw()), times(draw(), wave));
  }, draw());
}
