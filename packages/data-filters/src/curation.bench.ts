/**
 * Prints how fast corpora are filtered, written and read: npm run bench -- curation
 *
 * DuckDB makes the tables (source, question, answer, boxes as JSON text, width, height). BENCH_PYTHON=FILE names a
 * Python whose libraries run in turn with ours (tools/peers/filter_peers.py). BENCH_ROWS=10000000 and
 * BENCH_PICTURES=10000 are the large case.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { emptyVerifierParm, type Sample } from "@v-triune/schema";
import { literal, withDatabase } from "./duckdb/database";
import { DEFAULT_RULES } from "./rules/catalogue";
import { filterParquet } from "./rules/filter-parquet";
import { loadLanguageIdentifier, type LanguageIdentifier } from "./workers/identify-language";
import { verifyGold } from "./workers/verify-gold";
import { readSamples } from "./samples/read-samples";
import { writeSamples } from "./samples/write-samples";
import { TextWorkers } from "./workers/text-workers";

const large = process.env.BENCH_ROWS === undefined ? 1_000_000 : Number(process.env.BENCH_ROWS);
const pictures = process.env.BENCH_PICTURES === undefined ? 2000 : Number(process.env.BENCH_PICTURES);
const python = process.env.BENCH_PYTHON;
const PEERS = resolve(import.meta.dirname, "../../../tools/peers/filter_peers.py");
const pictureBytes = 100_000;

/** All rules except those that need pictures or ids, which the table does not have. */
const RULES = DEFAULT_RULES.filter(
  (rule) => !["duplicate-id", "has-picture", "picture-decodes", "picture-size"].includes(rule),
);
const LISTED = String.raw`(?:\([A-Da-d]\)|\b[A-D][.)])\s`;
const BOXES = `from_json(boxes, '[["BIGINT"]]')`;

async function makeTable(file: string, rows: number): Promise<void> {
  const pick = (list: readonly string[], by: string): string =>
    `[${list.map(literal).join(", ")}][1 + (${by} % ${list.length})::INTEGER]`;
  const [left, top] = ["hash(i * 31 + k) % 300", "hash(i * 37 + k) % 300"];
  const [width, height] = ["10 + hash(i * 41 + k) % 140", "10 + hash(i * 43 + k) % 140"];
  const box = `[${left}, ${top}, ${left} + ${width}, ${top} + ${height}]`;
  const boxes = `list_transform(range((1 + hash(i + 3) % 15)::BIGINT), lambda k: ${box})`;
  const sources = ["mm_math", "geometry3k", "clevr", "chartqa", "object365", "v3det", "estvqa", "d3"];
  const questions = [
    "What is the area of the shaded region in the figure?",
    "Find the value of x.",
    "How many red cubes are left of the sphere?",
    "What was the total revenue in 2015?",
  ];
  const choices = [
    " A. 12 B. 13 C. 14 D. 15",
    "\n(A) 3 (B) 4 (C) 5 (D) 6",
    "\nChoices: (a) yes (b) no",
    " Which of the following is correct? A) 1 B) 2",
  ];
  const answers = [
    "12",
    "\\frac{1}{2}",
    "3 cm",
    "yes",
    "x=3",
    "(1,2)",
    "[0,1]",
    "42.5",
    "the quick brown fox jumps over",
    "7;8",
    "red cube",
    "B",
    "100",
  ];
  await withDatabase({}, (connection) =>
    connection.run(`COPY (SELECT ${pick(sources, "i")} AS source,
      ${pick(["math", "math", "counting", "chart", "detection", "detection", "ocr", "grounding"], "i")} AS task,
      ${pick(questions, "hash(i)")} || ' (sample ' || i || ')'
        || CASE WHEN hash(i + 5) % 4 = 0 THEN ${pick(choices, "hash(i + 1)")} ELSE '' END AS question,
      ${pick(answers, "hash(i + 7)")} AS answer,
      CASE WHEN i % 8 IN (4, 5, 7) THEN to_json(${boxes})::VARCHAR ELSE '[]' END AS boxes,
      640 AS width, 480 AS height
      FROM range(${rows}) t(i)) TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE 50000)`),
  );
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function line(what: string, time: number, more: string): void {
  console.log(`${what.padEnd(44)} ${time.toFixed(2).padStart(7)} s  ${more}`);
}

/** One filter that is timed. */
interface Contender {
  readonly name: string;
  run(): Promise<{ seconds: number; kept: number; note?: string }>;
}

/** Runs the contenders in turn, so that other load on the machine affects all of them. Prints the best time of each. */
async function race(contenders: readonly Contender[], turns: number): Promise<void> {
  const best = new Map<string, number>();
  const notes = new Map<string, string>();
  const kept = new Set<number>();
  for (let turn = 0; turn < turns; turn++) {
    for (const { name, run } of contenders) {
      const result = await run();
      kept.add(result.kept);
      notes.set(name, result.note ?? "");
      best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, result.seconds));
    }
  }
  if (kept.size !== 1) throw new Error(`the contenders keep different rows: ${[...kept].join(", ")}`);
  const ours = best.get(contenders[0]?.name ?? "") ?? 0;
  for (const [name, time] of best)
    line(
      `  ${name}`,
      time,
      `${notes.get(name) ?? ""}${time === ours ? "" : `  ours takes ${(ours / time).toFixed(2)} × of it`}`,
    );
}

async function filters(folder: string, rows: number): Promise<void> {
  const file = join(folder, `${rows}.parquet`);
  await makeTable(file, rows);
  const output = join(folder, "out.parquet");
  const asBox = "{'x1': b[1], 'y1': b[2], 'x2': b[3], 'y2': b[4], 'label': 'thing'}";
  const boxes = `list_transform(${BOXES}, lambda b: ${asBox})`;
  const columns = { boxes, picture_count: "1", category: "answer", id: "question" };
  const turns = rows > 2e6 ? 1 : 3;
  let all = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < turns; turn++)
    all = Math.min(all, await seconds(() => filterParquet(file, output, { rules: RULES, columns, overwrite: true })));
  line(
    `${rows.toLocaleString("en-US")} rows, ${RULES.length} rules with reasons`,
    all,
    `${Math.round(rows / all).toLocaleString("en-US")} rows/s`,
  );
  if (rows > 2e6) return;
  const areas = `list_transform(from_json(category, '[["BIGINT"]]'), lambda x: (x[3] - x[1]) * (x[4] - x[2]))`;
  const area = `coalesce(list_max(${areas}), 0) > 0.5 * width * height`;
  const simple = [
    String.raw`regexp_matches(answer, '[=\[\]();]')`,
    "length(answer) > 20",
    `regexp_matches(question, ${literal(LISTED)})`,
    "json_array_length(category) > 10",
    area,
  ];
  const own = simple.map((sql, i) => ({ rule: `simple-${i}`, sql, reason: "simple" }));
  console.log(`${rows.toLocaleString("en-US")} rows, five rules, read, filtered and written; best of ${turns} in turn`);
  const ours: Contender = {
    name: "filterParquet, with a reason for each row",
    async run() {
      const start = performance.now();
      const { kept } = await filterParquet(file, output, {
        rules: own,
        columns: { category: "boxes", boxes: "NULL" },
        overwrite: true,
      });
      return { seconds: (performance.now() - start) / 1000, kept };
    },
  };
  await race([ours, ...ENGINES.map((engine) => peer(engine, file, join(folder, `${engine}.parquet`)))], turns);
}

const ENGINES = python === undefined ? [] : ["duckdb", "polars", "pandas", "datasets"];

function peer(engine: string, file: string, output: string): Contender {
  return {
    name: engine === "datasets" ? "Python: datasets.filter, without writing" : `Python: ${engine}`,
    async run() {
      const { stdout, stderr } = spawnSync(python ?? "", [PEERS, engine, file, output], { encoding: "utf8" });
      const text = stdout.trim().split("\n").at(-1) ?? "";
      if (!text.startsWith("{")) throw new Error(`${engine}: ${stderr}`);
      const result = JSON.parse(text) as { version: string; seconds: number; kept: number; skipped?: string };
      if (result.skipped !== undefined)
        throw new Error(`${engine}: ${result.skipped}; pip install duckdb polars pandas pyarrow datasets`);
      return { seconds: result.seconds, kept: result.kept, note: result.version };
    },
  };
}

/**
 * What rules need beyond SQL. A run computes each different text once, so these are the costs of 50,000 different
 * texts.
 */
async function texts(): Promise<void> {
  let identify: LanguageIdentifier | undefined;
  line("load the language database", await seconds(async () => void (identify = await loadLanguageIdentifier())), "");
  const time = async (what: string, work: (i: number) => unknown): Promise<void> => {
    const spent = await seconds(async () => {
      for (let i = 0; i < 50_000; i++) work(i);
    });
    line(what, spent, `${Math.round((1e6 * spent) / 50_000)} µs each`);
  };
  await time("language of 50,000 questions", (i) => identify?.(`How many red cubes are left of sphere number ${i}?`));
  const gold = (i: number): string => (i % 2 === 0 ? `${i}` : `\\frac{${i}}{7}`);
  await time("verify 50,000 gold answers", (i) => verifyGold(gold(i)));
  const workers = new TextWorkers();
  async function* golds(): AsyncGenerator<string> {
    for (let i = 0; i < 50_000; i++) yield gold(i);
  }
  const spent = await seconds(async () => {
    for await (const values of workers.compute("verified", golds(), 50_000))
      if (values.includes("")) throw new Error("an answer has no verdict");
  });
  line("verify them in new worker threads", spent, `${availableParallelism()} threads`);
  await workers.close();
}

async function samples(folder: string): Promise<void> {
  const noise = randomBytes(2 * pictureBytes);
  function* generate(): Generator<Sample> {
    for (let i = 0; i < pictures; i++) {
      yield {
        data_source: "bench",
        images: [{ bytes: noise.subarray(i, i + pictureBytes), path: `${i}.png` }],
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
  const file = join(folder, "samples.parquet");
  const megabytes = (pictures * pictureBytes) / 1e6;
  const written = await seconds(() => writeSamples(file, generate()));
  line(`write ${pictures} samples of ${pictureBytes / 1000} kB`, written, `${Math.round(megabytes / written)} MB/s`);
  const read = await seconds(async () => {
    for await (const sample of readSamples(file))
      if (sample.images.length !== 1) throw new Error("a picture is missing");
  });
  line("read them", read, `${Math.round(megabytes / read)} MB/s`);
}

const folder = await mkdtemp(join(tmpdir(), "curation-bench-"));
try {
  if (python === undefined)
    console.log(
      "Python's libraries are skipped. " +
        "Set BENCH_PYTHON to a Python with duckdb, polars, pandas, pyarrow and datasets.",
    );
  await texts();
  await filters(folder, 50_000);
  await filters(folder, large);
  await samples(folder);
  console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
} finally {
  await rm(folder, { recursive: true });
}
