import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { curate } from "@v-triune/data-filters";
import { writeTrainingData } from "@v-triune/demo-tasks";
import { RolloutStandIn } from "@v-triune/engines/testing";
import { takeRunLock } from "@v-triune/training/run-folder";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoModelFolder } from "../demo/run-demo";
import { type RolloutEvent, type RolloutOptions, makeRollouts } from "./make-rollouts";
import { formatRolloutSummary } from "./rollout-table";

const folder = mkdtempSync(join(tmpdir(), "v-triune-rollout-"));
const data = join(folder, "corpus.parquet");
let options: RolloutOptions;

beforeAll(async () => {
  await writeTrainingData(data, 8, 1);
  options = {
    data: [data],
    folder: join(folder, "out"),
    model: demoModelFolder,
    servers: [],
    kind: "auto",
    modelName: null,
    apiKeyEnv: null,
    n: 4,
    temperature: 1,
    topP: 1,
    topK: null,
    maxNewTokens: 44,
    maxPromptTokens: null,
    epsilon: 0.5,
    pool: false,
    seed: 1,
    samplesPerSource: null,
    backend: "wasm",
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (name: string): string[] =>
  readFileSync(join(folder, name, "cache/answers.jsonl"), "utf8")
    .trimEnd()
    .split("\n");

describe("makeRollouts", () => {
  it("goes on where it was stopped, asks for nothing twice, and takes a larger n", async () => {
    const controller = new AbortController();
    const stop = (event: RolloutEvent) =>
      event.type === "progress" && event.done >= 30 && controller.abort(new Error("stopped"));
    await expect(makeRollouts({ ...options, signal: controller.signal, listen: stop })).rejects.toThrow("stopped");
    const before = lines("out");
    expect(before.length).toBeGreaterThanOrEqual(30);
    // What a kill leaves of the line it was writing.
    appendFileSync(join(folder, "out/cache/answers.jsonl"), before[0]!.slice(0, 40));
    const result = await makeRollouts(options);
    expect(result).toMatchObject({ found: before.length, made: 224 - before.length, rows: 224 });
    expect(lines("out").slice(0, before.length)).toEqual(before);
    expect(
      new Set(
        lines("out").map((line) =>
          (({ key, sample }) => `${key}#${sample}`)(JSON.parse(line) as { key: string; sample: number }),
        ),
      ).size,
    ).toBe(224);
    expect(await makeRollouts(options)).toMatchObject({ found: 224, made: 0, rows: 224 });
    expect(await makeRollouts({ ...options, n: 5 })).toMatchObject({ found: 224, made: 56, rows: 280 });
    expect(await makeRollouts({ ...options, n: 2 })).toMatchObject({ made: 0, rows: 112 });
    // The same samples in two files are asked once.
    expect(await makeRollouts({ ...options, data: [data, data] })).toMatchObject({ made: 0, rows: 224 });
    const twice = join(folder, "twice.parquet");
    copyFileSync(data, twice);
    expect(await makeRollouts({ ...options, data: [data, twice], folder: join(folder, "twice"), n: 1 })).toMatchObject({
      found: 0,
      made: 56,
      rows: 56,
    });
    await expect(makeRollouts({ ...options, temperature: 0.5 })).rejects.toThrow(
      /another model, or of other sampling[^]*expected: temperature 1[^]*found: +temperature 0.5/,
    );
  });

  it("fits the summary of the longest names into 80 columns", async () => {
    const { sources } = await makeRollouts(options);
    expect(sources.map(({ source, samples, answers }) => [source, samples, answers])).toContainEqual([
      "demo_sum",
      8,
      32,
    ]);
    const sum = sources.find(({ source }) => source === "demo_sum")!;
    expect(sum.passAt["1"]).toBeCloseTo(sum.meanAccuracy, 12);
    expect(sum.passAt["4"]).toBeCloseTo(1 - sum.never, 12);
    const text = formatRolloutSummary(
      [{ ...sum, source: "a-source-with-a-very-long-name", samples: 1_234_567, always: 1 }],
      16,
    );
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text).toMatch(/^source +samples +pass@1 +pass@4 +pass@8 +pass@16 +never +always\n/);
  });

  it("gives curation its difficulties", async () => {
    const { file } = await makeRollouts({ ...options, n: 5 });
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const counts = await connection.runAndReadAll(`SELECT data_source, count(*)::INTEGER AS kept FROM (
        SELECT s.data_source, s.extra_info.id AS id, avg(r.accuracy) AS mean FROM '${data}' s JOIN '${file}' r ON r.source = s.data_source AND r.data_source = r.source AND r.id = s.extra_info.id
        WHERE s.data_source = 'demo_sum' GROUP BY ALL HAVING mean < 1) GROUP BY data_source`);
    const expected = (counts.getRowObjects()[0] as { kept: number }).kept;
    // One source's rows, as the verl adapter takes one source a folder.
    const own = join(folder, "sum");
    await connection.run(`CREATE TABLE own AS SELECT * FROM '${data}' WHERE data_source = 'demo_sum'`);
    mkdirSync(own);
    await connection.run(`COPY own TO '${join(own, "sum.parquet")}' (FORMAT parquet)`);
    connection.closeSync();
    const report = await curate({
      sources: [{ source: "verl", path: own, settings: { task: "math", name: "demo_sum" } }],
      output: join(folder, "curated"),
      rollouts: [join(folder, "out")],
      rules: [{ rule: "difficulty", require: true }],
    });
    const [source] = report.sources;
    expect(source).toMatchObject({
      source: "demo_sum",
      read: 8,
      dropped: expected === 8 ? [] : [{ rule: "difficulty", rows: 8 - expected }],
    });
    expect(source!.kept).toBe(expected);
  });

  it("answers without the pictures, and curation drops what is solved so", async () => {
    const blind = { ...options, n: 3, blind: true };
    await expect(makeRollouts(blind)).rejects.toThrow(/blind/);
    const { file, rows, sources } = await makeRollouts({ ...blind, folder: join(folder, "blind") });
    expect(rows).toBe(168);
    const seen = await makeRollouts({ ...options, n: 3 });
    const mean = (list: typeof sources) => list.reduce((sum, { meanAccuracy }) => sum + meanAccuracy, 0) / list.length;
    expect(mean(sources)).toBeLessThan(mean(seen.sources));
    const own = join(folder, "sum");
    const config = {
      sources: [{ source: "verl", path: own, settings: { task: "math", name: "demo_sum" } }],
      rules: [{ rule: "blind-solvable", min: 0.3 }],
      output: join(folder, "looking"),
    };
    const report = await curate({ ...config, rollouts: [join(folder, "out")], blindRollouts: [join(folder, "blind")] });
    const [source] = report.sources;
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const counted = await connection.runAndReadAll(`SELECT count(*)::INTEGER AS n FROM (
      SELECT id FROM '${file}' WHERE source = 'demo_sum' GROUP BY id HAVING avg(accuracy) >= 0.3)`);
    connection.closeSync();
    const solved = (counted.getRowObjects()[0] as { n: number }).n;
    expect(source!.dropped.find(({ rule }) => rule === "blind-solvable")?.rows ?? 0).toBe(solved);
    expect(source).toMatchObject({ blind: { answers: 3, rows: 8 } });
    expect(source!.blind!.passAt1).toBeCloseTo(sources.find((one) => one.source === "demo_sum")!.meanAccuracy, 6);
    expect(readFileSync(join(folder, "looking/report.html"), "utf8")).toContain("without it");
    const never = { ...config, output: join(folder, "never") };
    await expect(curate({ ...never, rules: [], rollouts: [join(folder, "blind")] })).rejects.toThrow(
      /field rollouts[^]*rollouts of v-triune rollout --blind/,
    );
    await expect(curate(never)).rejects.toThrow(/rollouts for the rule blind-solvable/);
    await makeRollouts({ ...blind, n: 1, folder: join(folder, "one") });
    await expect(curate({ ...never, blindRollouts: [join(folder, "one")] })).rejects.toThrow(/at least 2 answers/);
  }, 120_000);

  it("is alone in its folder, and says when the folder can't be written to", async () => {
    const lock = await takeRunLock(join(folder, "out/cache"));
    await expect(makeRollouts(options)).rejects.toThrow(
      /Another v-triune rollout writes into this folder[^]*choose another folder with -o/,
    );
    await lock.release();
    await expect(makeRollouts({ ...options, folder: join(data, "out") })).rejects.toThrow("can't be written");
  });

  it("asks a server in place of the model", async () => {
    const server = await RolloutStandIn.start({ protocol: "vllm", model: demoModelFolder });
    try {
      const messages: string[] = [];
      const result = await makeRollouts({
        ...options,
        folder: join(folder, "served"),
        servers: [server.url],
        samplesPerSource: 2,
        listen: (event) => event.type === "engine" && messages.push(event.message),
      });
      expect(result).toMatchObject({ rows: 56, found: 0, made: 56 });
      expect(server.violations).toEqual([]);
      expect(messages).toContainEqual(expect.stringMatching(/^Rollouts from vLLM 0\.18\.1/));
    } finally {
      await server.stop();
    }
  });
});
