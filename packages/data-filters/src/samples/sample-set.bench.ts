/**
 * Prints the time and memory that a step's rows take, read from Parquet and from a row store. Each runs in a separate
 * process for its peak memory:
 *
 *     npm run bench -- sample-set
 *
 * BENCH_PICTURES sets the number of rows of 100 kB. Default 10000 (1 GB). BENCH_FILE=FILE reads an existing Parquet
 * file instead, for example one of pyarrow, whose pages are larger than DuckDB's.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyVerifierParm, type Sample } from "@v-triune/schema";
import { openSampleSet } from "./sample-set";
import { writeSamples } from "./write-samples";

const pictures = Number(process.env.BENCH_PICTURES ?? 10_000);
const pictureBytes = 100_000;
const rowsOfStep = 32;

function* generate(): Generator<Sample> {
  for (let i = 0; i < pictures; i++) {
    yield {
      data_source: "bench",
      images: [{ bytes: randomBytes(pictureBytes), path: `${i}.png` }],
      prompt: [{ content: "<image>How many?", role: "user" }],
      ability: "cv_counting",
      reward_model: {
        answer: "1",
        ground_truth: "\\boxed{1}",
        accuracy_ratio: 1,
        format_ratio: 0,
        verifier: "mathverify",
        verifier_parm: emptyVerifierParm(),
      },
      extra_info: { id: `${i}`, image_path: null },
    };
  }
}

/**
 * Reads steps of scattered rows. Prints the time of the first, which may make the store, and the median of the others.
 */
async function steps(file: string, folder: string | undefined, count: number): Promise<void> {
  const base = process.memoryUsage().rss;
  const set = await openSampleSet(file, folder === undefined ? {} : { rowStore: { folder, smallest: 0 } });
  const times: number[] = [];
  for (let step = 0; step < count; step++) {
    const rows = Array.from({ length: rowsOfStep }, (_, i) => (step * 7919 + i * 3571) % set.length);
    const start = performance.now();
    const found = await set.read(rows);
    times.push(performance.now() - start);
    if (found.some((row) => row instanceof Error)) throw new Error("a row cannot be read");
  }
  set.close();
  const [first = 0, ...others] = times;
  others.sort((a, b) => a - b);
  const median = others[others.length >> 1] ?? 0;
  const peak = process.resourceUsage().maxRSS * 1024;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
  console.log(
    `first ${first.toFixed(0).padStart(6)} ms, then ${median.toFixed(1).padStart(7)} ms per step; ` +
      `peak memory ${megabytes(peak)} MB, ${megabytes(peak - base)} more than at the start`,
  );
}

const [file, folder, count] = process.argv.slice(2);
if (file !== undefined) {
  await steps(file, folder === "" ? undefined : folder, Number(count));
} else {
  const place = await mkdtemp(join(tmpdir(), "sample-set-bench-"));
  try {
    const given = process.env.BENCH_FILE;
    const set = given ?? join(place, "set.parquet");
    if (given === undefined) await writeSamples(set, generate());
    console.log(`${given ?? `${pictures} rows of ${pictureBytes / 1000} kB`}, ${rowsOfStep} rows per step`);
    const run = (what: string, store: string, times: number): void => {
      process.stdout.write(`${what.padEnd(34)} `);
      const { status } = spawnSync(
        process.execPath,
        [...process.execArgv, process.argv[1] as string, set, store, `${times}`],
        { stdio: "inherit" },
      );
      if (status !== 0) throw new Error(`${what}: exit code ${status}`);
    };
    run("from Parquet", "", 8);
    run("row store, made at the first step", join(place, "rows"), 50);
    run("row store, found", join(place, "rows"), 50);
  } finally {
    await rm(place, { recursive: true });
  }
}
