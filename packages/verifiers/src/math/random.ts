/**
 * The places at which formulas are compared: drawn, but the same in every run, as verdicts must not depend on the run.
 */
import { imul } from "./floats";

/** Numbers from 0 to 1 (mulberry32). */
export const generator = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};
