/** How long calls take: typical ones, and how that grows with the response. */
import type { AuditPair, Growth } from "./audit-types";
import { requestOf, type Caller } from "./caller";

/** What long responses are filled with; a right answer follows. */
const FILLERS: Readonly<Record<string, string>> = {
  prose: "Let me look at the picture again and count what is there. ",
  boxes: "\\boxed{1} ",
  tags: "<answer>",
  brackets: "(",
  braces: "\\frac{",
  digits: "9",
  lines: "\n",
  "box lists": '[{"bbox_2d": [1, 2, 3, 4], "label": "a"}, ',
  commas: "1, ",
};
const RUNS = 3;
/** A call that takes this long is not repeated. */
const SLOW_MS = 500;
/** Shorter times are noise. */
const LEAST_MS = 4;
const LEAST_LENGTH = 1000;

async function timed(caller: Caller, row: AuditPair, response: string): Promise<number> {
  const start = performance.now();
  await caller.judge([requestOf(row, response)]);
  return performance.now() - start;
}

/** The times of single calls, in milliseconds, sorted. */
export async function callTimes(
  caller: Caller,
  cases: readonly { readonly row: AuditPair; readonly response: string }[],
): Promise<number[]> {
  const times: number[] = [];
  for (const { row, response } of cases) times.push(await timed(caller, row, response));
  return times.sort((a, b) => a - b);
}

/** The value below which a share of sorted values lies. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;

/** Linear work doubles; more than this is looked at again, because another process may have run meanwhile. */
const SUSPICIOUS = 2.6;

/**
 * The growth with each filler, at the longest response and half of it. A filler that takes its deadline is not made
 * longer.
 */
export async function growthOf(caller: Caller, row: AuditPair, end: string, longest: number): Promise<Growth[]> {
  const found: Growth[] = [];
  for (const [filler, text] of Object.entries(FILLERS)) {
    const fastest = async (length: number) => {
      const response = text.repeat(Math.ceil(length / text.length)).slice(0, length) + end;
      let ms = Infinity;
      for (let run = 0; run < RUNS && !(ms > SLOW_MS && run > 0); run++)
        ms = Math.min(ms, await timed(caller, row, response));
      return ms;
    };
    let before = 0;
    let last: Growth = { filler, length: 0, ms: 0 };
    for (let length = Math.min(LEAST_LENGTH, longest); length <= longest && !caller.isStopped; length *= 2) {
      const failures = caller.counts.timeout + caller.counts.crash;
      let ms = await fastest(length);
      if (before > 0 && ms >= LEAST_MS && ms / before > SUSPICIOUS && ms < SLOW_MS) {
        before = Math.min(before, await fastest(length / 2));
        ms = Math.min(ms, await fastest(length));
      }
      last = { filler, length, ms, ...(ms >= LEAST_MS && before > 0 && { ratio: ms / before }) };
      before = ms;
      if (caller.counts.timeout + caller.counts.crash > failures) break;
    }
    found.push(last);
  }
  return found;
}
