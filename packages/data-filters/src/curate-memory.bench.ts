/**
 * Prints the time and the peak memory of a curation of 600,000 different questions: npm run bench -- curate-memory
 *
 * BENCH_ROWS, BENCH_MEMORY (default 500MB), BENCH_THREADS and BENCH_RULES (names, joined by commas) are other cases.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { curate } from "./curate/curate";
import { literal, withDatabase } from "./duckdb/database";
import { bytesOf } from "./duckdb/memory-budget";

const rows = Number(process.env.BENCH_ROWS ?? 600_000);
const memoryLimit = process.env.BENCH_MEMORY ?? "500MB";
const threads = Number(process.env.BENCH_THREADS ?? 2);
const rules = (process.env.BENCH_RULES ?? "duplicate-id,language,duplicate-question").split(",");

const folder = await mkdtemp(join(tmpdir(), "curate-memory-"));
try {
  await withDatabase({ memoryLimit: "200MB" }, (connection) =>
    connection.run(`COPY (
      SELECT i AS id, i % 97 AS answer,
        'How many red cubes are left of the ' || md5(i::VARCHAR) || ' sphere and the other ' || md5((i * 7)::VARCHAR) || '?' AS question
      FROM range(${rows}) t(i)) TO ${literal(join(folder, "questions.parquet"))} (FORMAT parquet)`),
  );
  let phase = "";
  const megabytes = (): number => Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
  const { totals, seconds } = await curate(
    {
      sources: [{ source: "table", path: folder, settings: { task: "ocr", name: "mine", columns: {} } }],
      rules,
      output: join(folder, "corpus"),
      memoryLimit,
      threads,
    },
    {
      onProgress({ phase: next, what }) {
        const now = `${next} ${what}`.slice(0, 60);
        if (now !== phase && phase !== "") console.log(`  ${phase.padEnd(60)}  peak so far ${megabytes()} MB`);
        phase = now;
      },
    },
  );
  const cpu = (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const beyond = Math.round(megabytes() - (bytesOf(memoryLimit) ?? 0) / 1e6);
  console.log(
    `${totals.read.toLocaleString("en-US")} questions, ${totals.kept.toLocaleString("en-US")} kept: ` +
      `${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of CPU, peak ${megabytes()} MB, ${beyond} MB beyond ${memoryLimit}`,
  );
} finally {
  await rm(folder, { recursive: true });
}
