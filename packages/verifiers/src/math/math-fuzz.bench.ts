/**
 * 100,000 mutated answers of up to 100 KB, and 91 hostile patterns of 100 KB and of lengths that take long enough to
 * measure: `node tools/run.mjs packages/verifiers/src/math/math-fuzz.bench.ts [COUNT]`. Prints the verdicts counted,
 * the slowest, and for each pattern whose time grows more than 2.6-fold per doubling of its length by how much. Exits
 * with 1 on a throw, or on such growth.
 */
import { importBundled } from "../testing/bundle";
import type * as math from "./index";
import { mutatedAnswers } from "./testing/mutated-answers";

const { judgeMath } = await importBundled<typeof math>(new URL("index.ts", import.meta.url));

const PATTERNS: readonly (readonly [head: string, unit: string, tail: string])[] = [
  ["", "+1", ""],
  ["$1", "+1", "$"],
  ["", "\\boxed{", ""],
  ["", "\\boxed{1}", ""],
  ["", "\\boxed{1} and so on,", ""],
  ["$", "{", "$"],
  ["$", "(", "$"],
  ["", "$ ", ""],
  ["", "$$ ", ""],
  ["", "\\[ ", ""],
  ["", "\\[ ", "\\]"],
  ["", "\\( ", ""],
  ["", "\\( ", "\\)"],
  ["", " [", ""],
  ["", "answer ", ""],
  ["", "answer: ", ""],
  ["", "final answer is ", ""],
  ["", "answer = ", ""],
  ["", "answer 1 = ", ""],
  ["", "answer $", ""],
  ["", "final answer          ", ""],
  ["", "9", ""],
  ["$", "9", "$"],
  ["", "1,000 ", ""],
  ["", "1 ", ""],
  ["", "1.", ""],
  ["", "-", ""],
  ["$", "-", "1$"],
  ["", " ", "1"],
  ["$", " ", "5$"],
  ["$", "x^(", "$"],
  ["$", "sqrt(", "$"],
  ["$", "\\frac{", "$"],
  ["$", "\\frac12", "$"],
  ["$", "\\frac{1}{2}", "$"],
  ["", "\\frac{1}{2}, ", ""],
  ["$5", "!", "$"],
  ["$x", "^2", "$"],
  ["$1", "/2", "$"],
  ["$x", "*x", "$"],
  ["$", "xyz", "$"],
  ["$", "1,2,", "1$"],
  ["$", "x=", "1$"],
  ["$", "1;", "1$"],
  ["$", "(1,2),", "1$"],
  ["$", "[1,2]\\cup ", "[1,2]$"],
  ["$", "|", "$"],
  ["$", "|x|", "$"],
  ["$", "\\sin ", "x$"],
  ["$", "\\sin(", "$"],
  ["$", "f(", "$"],
  ["$", "\\text{", "$"],
  ["$", "\\text{a}", "$"],
  ["$", "1 and ", "1$"],
  ["", "$1$ and ", ""],
  ["", "$1$,", ""],
  ["$", "\\begin{pmatrix}", "$"],
  ["$\\begin{pmatrix}", "1&", "1\\end{pmatrix}$"],
  ["", "5 % ", ""],
  ["$5 ", "m ", "$"],
  ["$", "'", "$"],
  ["", "\\", ""],
  ["$", "\\\\text", "$"],
  ["$", "infinity", "$"],
  ["$", "\\left(", "$"],
  ["$", "(a)_{b}", "$"],
  ["$", "(a)_{", "$"],
  ["$", "\\sqrt[", "$"],
  ["$", "1\\pm ", "1$"],
  ["$", "\\$", "$"],
  ["", "$\\$ ", ""],
  ["$", "1E9", "$"],
  ["$", "()", "$"],
  ["", "0.5. ", ""],
  ["", "**", ""],
  ["", " **1", ""],
  ["", "\ud800", ""],
  ["", "answer\ud83d\ude00", ""],
  ["", "\0", ""],
  ["", "final answer is $5$ I hope ", ""],
  ["$", "\\int_0^1 ", "x dx$"],
  ["$", "\\lim_{x\\to 0}", "x$"],
  ["$", "\\sum_{k=1}^{9}", "k$"],
  ["$", "\\frac{d}{dx}", "x$"],
  ["$", "1.5x+", "1$"],
  ["$", "\\sqrt{x^2+", "1$"],
  ["$", "\\tan 2x+", "1$"],
  ["$", "\\arcsin ", "x$"],
  ["$", "\\begin{pmatrix}1&2\\\\3&x\\end{pmatrix}", "$"],
  ["$x", "|_{x=x+1}^{x=2x}", "$"],
  ["$", "\\begin{vmatrix}1&2\\\\3&", "$"],
];

/** Processor time, for a machine that is shared. */
const cpu = (): number => process.cpuUsage().user / 1000;

/** Wall time, as processor time counts the collector's own threads. */
function timed(text: string): number {
  const before = performance.now();
  judgeMath("$x+5$", text);
  return performance.now() - before;
}

/**
 * The least time of each text over five rounds. In turn, so that a slow minute of a shared machine meets all of them.
 */
function leastTimes(texts: readonly string[]): number[] {
  const least = texts.map(() => Infinity);
  for (let round = 0; round < 5; round++) texts.forEach((text, i) => (least[i] = Math.min(least[i]!, timed(text))));
  return least;
}

/** Milliseconds. */
const MEASURABLE = 60;

const count = Number(process.argv[2] ?? 100_000);
const verdicts: Record<string, number> = {};
const worst = { ms: 0, text: "" };
const answers = mutatedAnswers(2024, 100_000);
let previous = "$5$";
const started = performance.now();
for (let i = 0; i < count; i++) {
  const text = answers.next().value as string;
  const before = cpu();
  const { status } = judgeMath(previous, text);
  const ms = cpu() - before;
  verdicts[status] = (verdicts[status] ?? 0) + 1;
  if (ms > worst.ms) Object.assign(worst, { ms, text: `${text.slice(0, 60)} (${text.length} characters)` });
  previous = text;
}
console.log(
  JSON.stringify({
    strings: count,
    seconds: Math.round(performance.now() - started) / 1000,
    verdicts,
    worstMs: Math.round(worst.ms),
    worst: worst.text,
  }),
);

let failed = false;
let slowest = { ms: 0, pattern: "" };
for (const [head, unit, tail] of PATTERNS) {
  const at = (length: number): string => head + unit.repeat(Math.floor(length / unit.length)) + tail;
  timed(at(20_000));
  let length = 100_000;
  const first = leastTimes([at(length)])[0]!;
  if (first > slowest.ms) slowest = { ms: first, pattern: head + unit };
  let [once, fourTimes] = leastTimes([at(length), at(4 * length)]) as [number, number];
  // Of short times the clock, the caches and the collector decide, not the algorithm.
  while (fourTimes < MEASURABLE && length < 400_000) {
    length *= 2;
    [once, fourTimes] = leastTimes([at(length), at(4 * length)]) as [number, number];
  }
  const growth = Math.sqrt(fourTimes / once);
  if (growth > 2.6 && fourTimes > MEASURABLE) {
    failed = true;
    console.log(
      `growth ${growth.toFixed(1)} per doubling from ${length / 1000} KB to ${length / 250} KB ` +
        `(${once.toFixed(0)} → ${fourTimes.toFixed(0)} ms): ${JSON.stringify(head + unit)}`,
    );
  }
}
console.log(
  JSON.stringify({ patterns: PATTERNS.length, worstMsAt100KB: Math.round(slowest.ms), worst: slowest.pattern }),
);
if (failed) process.exitCode = 1;
