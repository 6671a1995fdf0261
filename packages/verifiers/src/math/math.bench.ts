/**
 * Pairs a second and milliseconds a pair of `parse` + `verify`, on the labeled pairs of ../shared/golden/math-verify
 * where they are and on this package's own table, on long responses read as V-Triune reads them, and the size of the
 * bundle: `node tools/run.mjs packages/verifiers/src/math/math.bench.ts`. The peer is ../shared/peers/mv_bench.py
 * (Math-Verify 0.9 in Python) over the same files, run beside it.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundle, importBundled } from "../testing/bundle";
import type * as math from "./index";
import type * as parity from "./parity";

const { comparePairs, judgePair } = await importBundled<typeof parity>(new URL("parity.ts", import.meta.url));
const { judgeMath, vTriune } = await importBundled<typeof math>(new URL("index.ts", import.meta.url));

const root = resolve(fileURLToPath(import.meta.url), "../../../../..");
const shared = resolve(root, "../shared/golden/math-verify");

interface Row {
  readonly set: string;
  readonly pairs: number;
  readonly pairsPerSecond: number;
  /** The same by processor time: what an idle machine would show when this one is shared. */
  readonly pairsPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

function loadPairs(file: string): parity.LabeledPair[] {
  const data = JSON.parse(
    readFileSync(file, "utf8").replace(/-?\bInfinity\b|\bNaN\b/g, "null"),
  ) as (parity.LabeledPair & { latex?: string })[];
  return data
    .map((row) => (row.latex === undefined ? row : { gold: `$${row.latex}$`, pred: `$${row.latex}$`, expected: 1 }))
    .filter((row) => typeof row.gold === "string" && typeof row.pred === "string");
}

/** Thoughts of 2 to 3 KB that hold other answers, then a box, as responses in training look. */
function longResponses(pairs: parity.LabeledPair[]): parity.LabeledPair[] {
  return Array.from({ length: 500 }, (_, i) => {
    const thoughts = Array.from(
      { length: 60 },
      (__, j) => `So with ${j} we get ${pairs[(7 * i + j) % pairs.length]!.pred}, and then`,
    );
    return {
      gold: pairs[i]!.gold,
      pred: `<think>${thoughts.join("\n")}</think>\n<answer>\\boxed{${pairs[i]!.pred.replaceAll("$", "")}}</answer>`,
      expected: null,
    };
  });
}

function measure(set: string, pairs: parity.LabeledPair[], judgePair: (pair: parity.LabeledPair) => unknown): Row {
  for (let warm = 0; warm < 3; warm++) for (const pair of pairs) judgePair(pair);
  const times: number[] = [];
  const rounds = Math.max(3, Math.ceil(6000 / pairs.length));
  let best = Infinity;
  const cpu = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    for (const pair of pairs) {
      const before = performance.now();
      judgePair(pair);
      times.push(performance.now() - before);
    }
    best = Math.min(best, performance.now() - started);
  }
  const spent = process.cpuUsage(cpu).user / 1e6;
  times.sort((a, b) => a - b);
  const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))]!;
  return {
    set,
    pairs: pairs.length,
    pairsPerSecond: Math.round((1000 * pairs.length) / best),
    pairsPerCpuSecond: Math.round((rounds * pairs.length) / spent),
    p50Ms: round3(quantile(0.5)),
    p99Ms: round3(quantile(0.99)),
    worstMs: round3(times[times.length - 1]!),
  };
}

const round3 = (x: number): number => Math.round(x * 1000) / 1000;

const sets: [string, string][] = [
  ["own", join(root, "tools/goldens/math-verify/pairs.json")],
  ["written", join(root, "tools/goldens/math-verify/written.json")],
  ["cases", join(shared, "cases.json")],
  ["cross", join(shared, "cross_500.json")],
  ["latex", join(shared, "latex_strings_500.json")],
];
for (const [set, file] of sets) {
  if (!existsSync(file)) {
    console.warn(`math.bench: ${set} left out, ${file} is missing`);
    continue;
  }
  const pairs = loadPairs(file);
  console.log(JSON.stringify({ ...measure(set, pairs, judgePair), agreement: comparePairs(pairs).agreement }));
  if (set === "written")
    console.log(
      JSON.stringify(
        measure("long responses", longResponses(pairs), ({ gold, pred }) => judgeMath(gold!, pred, vTriune)),
      ),
    );
}

const { contents } = bundle(new URL("index.ts", import.meta.url), { minify: true }).outputFiles[0]!;
console.log(
  JSON.stringify({
    bundle: "verifiers/math, minified",
    bytes: contents.length,
    gzipped: gzipSync(contents, { level: 9 }).length,
  }),
);
