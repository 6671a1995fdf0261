/**
 * node tools/run.mjs packages/verifiers/src/answer/answer.bench.ts [number of fuzzed pairs]
 *
 * Prints the size of `@v-triune/verifiers/answer` bundled, the time of a verdict over the labeled tables, its growth
 * with the length of a response, and what 100,000 fuzzed pairs of texts do. Exit code 1: a verdict threw or took too
 * long.
 */
import { bundle, importBundled } from "../testing/bundle";
import { randomTexts } from "./testing/random-texts";
import { ownTable, sharedTable } from "./testing/labeled-tables";
import type * as Answer from "./index";

const { explain } = await importBundled<typeof Answer>(new URL("../answer/index.ts", import.meta.url));
let failed = false;

/** Of a few runs, since other processes take their turns on a shared machine. */
function fastest(run: () => void, times: number): number {
  let best = Infinity;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

const size = (minify: boolean) =>
  bundle(new URL("../answer/index.ts", import.meta.url), { minify }).outputFiles[0]!.contents.length;
console.log(`bundled: ${size(false)} bytes, minified ${size(true)}`);

const rows = [...ownTable("tuned"), ...ownTable("held-out"), ...ownTable("later"), ...sharedTable()];
for (let round = 0; round < 3; round++) for (const { gold, response } of rows) explain(gold, response);
const times = rows.map(({ gold, response }) => fastest(() => explain(gold, response), 5)).sort((a, b) => a - b);
const at = (share: number) => times[Math.floor(share * (times.length - 1))]!.toFixed(3);
console.log(`${rows.length} verdicts: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms`);

const prose = "There are 12 apples and it is 5 or 6, because $x^2 = 4$ and the rest **is** gone. The answer is 5.\n";
for (const length of [25_000, 50_000, 100_000, 200_000]) {
  const response = prose.repeat(length / prose.length);
  const ms = fastest(() => explain("4", response), 9);
  console.log(`response of ${response.length} characters: ${ms.toFixed(2)} ms`);
}

const count = Number(process.argv[2] ?? 100_000);
const next = randomTexts(7);
let slowest = { ms: 0, gold: "", response: "" };
for (let i = 0; i < count; i++) {
  const [gold, response] = [next(), next()];
  const start = performance.now();
  try {
    explain(gold, response);
  } catch (error) {
    failed = true;
    console.error(`threw on gold ${JSON.stringify(gold)}, response ${JSON.stringify(response)}:`, error);
  }
  const ms = performance.now() - start;
  if (ms > slowest.ms) slowest = { ms, gold, response };
}
console.log(`${count} fuzzed pairs, none threw: ${!failed}; slowest ${slowest.ms.toFixed(1)} ms`);
console.log(`  gold ${JSON.stringify(slowest.gold)}, response ${JSON.stringify(slowest.response)}`);
process.exitCode = failed || slowest.ms > 1000 ? 1 : 0;
