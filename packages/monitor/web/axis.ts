/** What charts are drawn over: steps, or what the steps took. */
import { duration, shortNumber } from "./format";

export interface Axis {
  readonly name: "step" | "time" | "tokens";
  /** As the page's menu has it. */
  readonly title: string;
  /** The running sum that the server makes of a metric; null for steps themselves. */
  readonly metric: string | null;
  /** A place on the axis, as people read it. */
  readonly format: (place: number) => string;
}

export const AXES: readonly [Axis, ...Axis[]] = [
  {
    name: "step",
    title: "steps",
    metric: null,
    format: (step) => (Number.isInteger(step) ? shortNumber(step) : ""),
  },
  { name: "time", title: "training time", metric: "sum:timing_s/step", format: duration },
  { name: "tokens", title: "computed tokens", metric: "sum:perf/computed_tokens", format: shortNumber },
];
