/** Lines over what steps took instead of over steps. */
import type { Line } from "./lines";

/** A running sum by step, ascending. */
export type Clock = Pick<Line, "steps" | "values">;

/** The sum at a step: between recorded steps on the straight line between them, past the last one that of the last. */
export function placeOf(step: number, { steps, values }: Clock): number {
  const after = steps.findIndex((one) => one >= step);
  if (after < 0) return values.at(-1) ?? 0;
  const value = values[after] ?? 0;
  if (after === 0 || steps[after] === step) return value;
  const share = (step - steps[after - 1]!) / (steps[after]! - steps[after - 1]!);
  const before = values[after - 1] ?? 0;
  return before + share * (value - before);
}

/** A line over a running sum instead of over steps. */
export function over<L extends Line>(line: L, clock: Clock): L {
  return { ...line, steps: line.steps.map((step) => placeOf(step, clock)) };
}
