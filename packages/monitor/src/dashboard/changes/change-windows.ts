/** Which steps are compared: two windows of a run, from what a person asked for. */
import type { ChangeWindows, StepWindow } from "../dashboard-api";
import { DashboardError } from "../dashboard-error";

/** What a person asks for; what is missing is chosen. */
export interface WindowQuestion {
  /** The last step of `before`; `after` begins with the next one. */
  readonly since?: number | undefined;
  readonly before?: StepWindow | undefined;
  readonly after?: StepWindow | undefined;
}

export const isWithin = (step: number, { from, to }: StepWindow): boolean => step >= from && step <= to;

/** "12", or "3–7". */
export const shownWindow = ({ from, to }: StepWindow): string => (from === to ? String(from) : `${from}–${to}`);

/**
 * The two windows. Since step K: `after` is every later step, `before` the same number of steps up to K, or all up to K
 * if the run has fewer. Without K, the run is cut in the middle.
 *
 * @param steps that the run has recorded, ascending
 * @throws DashboardError when a window has no recorded step, or both have one in common
 */
export function changeWindows(question: WindowQuestion, steps: readonly number[]): ChangeWindows {
  const first = steps[0];
  const last = steps.at(-1);
  if (first === undefined || last === undefined || first === last)
    throw new DashboardError({
      what: "The run has too few training steps to compare.",
      expected: "two steps or more",
      found: first === undefined ? "none" : `only step ${first}`,
      fix: "wait until the run has recorded more steps",
    });
  const windows = chosenWindows(question, { from: first, to: last }, steps);
  for (const [name, window] of Object.entries(windows) as [string, StepWindow][]) {
    if (!steps.some((step) => step >= window.from && step <= window.to))
      throw new DashboardError({
        what: `No step is recorded in the window "${name}".`,
        expected: `steps between ${first} and ${last}`,
        found: `${window.from}–${window.to}`,
        fix: question.since === undefined ? "choose other steps" : `choose a step from ${first} to ${last - 1}`,
      });
  }
  const { before, after } = windows;
  if (before.from <= after.to && after.from <= before.to)
    throw new DashboardError({
      what: "The two windows have steps in common.",
      expected: "windows that do not overlap",
      found: `${shownWindow(before)} and ${shownWindow(after)}`,
      fix: "end the first window before the second begins",
    });
  return windows;
}

function chosenWindows(
  { since, before, after }: WindowQuestion,
  run: StepWindow,
  steps: readonly number[],
): ChangeWindows {
  const end = since ?? (before === undefined ? undefined : before.to);
  const cut =
    end ??
    (after === undefined ? steps[(steps.length >> 1) - 1]! : Math.max(run.from, Math.min(run.to, after.from - 1)));
  const later = after ?? { from: cut + 1, to: Math.max(run.to, cut + 1) };
  const length = later.to - later.from + 1;
  return { before: before ?? { from: Math.max(run.from, cut - length + 1), to: cut }, after: later };
}
