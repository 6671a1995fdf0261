import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError, parseDetectionGroundTruth, sourceInfo, type Sample } from "@v-triune/schema";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { adapters } from "../adapters/index";
import type { SourceAdapter } from "../adapters/source-adapter";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import type { FilterRule } from "../rules/filter-rule";
import { readSamples } from "../samples/read-samples";
import { clevrFolder, tinyPng } from "../testing/fixtures";
import type { CurationConfig, SourceConfig } from "./config";
import { curate } from "./curate";
import { formatFunnel } from "./report";

let root: string;
let clevr: string;
let boxes: string;
let out: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "curate-"));
  clevr = join(root, "clevr");
  await clevrFolder(clevr, ["1", "2", "yes", "3", "1", "4", "5", "6"]);
  writeFileSync(join(clevr, "images/train/5.png"), "<html>not found</html>");
  rmSync(join(clevr, "images/train/6.png"));
  boxes = join(root, "coco");
  mkdirSync(join(boxes, "annotations"), { recursive: true });
  mkdirSync(join(boxes, "train"));
  const upright = await tinyPng(100, 60, 1);
  writeFileSync(join(boxes, "train/a.png"), upright);
  writeFileSync(join(boxes, "train/b.jpg"), await sharp(upright).jpeg().withMetadata({ orientation: 6 }).toBuffer());
  writeFileSync(join(boxes, "train/c.png"), await tinyPng(50, 30, 2));
  writeFileSync(
    join(boxes, "annotations/instances_train.json"),
    JSON.stringify({
      images: ["a.png", "b.jpg", "c.png"].map((file_name, i) => ({ id: i, file_name, width: 100, height: 60 })),
      annotations: [
        { image_id: 0, category_id: 1, bbox: [10, 6, 20, 12] },
        { image_id: 0, category_id: 2, bbox: [50.5, 30, 49.5, 30] },
        { image_id: 1, category_id: 1, bbox: [0, 0, 50, 15] },
        { image_id: 2, category_id: 1, bbox: [1, 1, 9, 9] },
      ],
      categories: [
        { id: 1, name: "dog" },
        { id: 2, name: "cat's toy" },
      ],
    }),
  );
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => (out = join(root, "out")));
afterEach(() => rmSync(out, { recursive: true, force: true }));

const both = (more: Partial<CurationConfig> = {}): CurationConfig => ({
  sources: [
    { source: "clevr", path: clevr },
    { source: "coco", path: boxes },
  ],
  output: out,
  ...more,
});

async function samplesOf(file: string): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of readSamples(file)) samples.push(sample);
  return samples;
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it did not throw"),
    (error: unknown) => error,
  );
}

describe("curate", () => {
  it("writes samples of every source, and says where the others went", async () => {
    const report = await curate(both());
    expect(readdirSync(out).sort()).toEqual([
      "ledger.parquet",
      "report.html",
      "report.json",
      "train_counting_clevr_4.parquet",
      "train_detection_coco_2.parquet",
    ]);
    expect(JSON.parse(readFileSync(join(out, "report.json"), "utf8"))).toEqual(JSON.parse(JSON.stringify(report)));
    const losses = report.sources.map(({ source, read, kept, dropped }) => ({
      source,
      read,
      kept,
      ...Object.fromEntries(dropped.map((d) => [d.rule, d.rows])),
    }));
    expect(losses).toEqual([
      // The picture of 4 is HTML, that of 5 is missing; of the two ones the median category (one row) keeps one.
      { source: "clevr", read: 8, kept: 4, "count-answer": 1, "picture-decodes": 2, "category-balance": 1 },
      // c.png is 50 × 30, its annotation says 100 × 60.
      { source: "coco", read: 3, kept: 2, "picture-decodes": 1 },
    ]);
    expect(report.totals).toEqual({ read: 11, unreadable: 0, dropped: 5, kept: 6 });
  });

  it("writes prompts, gold and ratios as the method states", async () => {
    await curate(both());
    const [count] = await samplesOf(join(out, "train_counting_clevr_4.parquet"));
    expect(count).toMatchObject({
      data_source: "clevr",
      ability: "cv_counting",
      prompt: [{ role: "user", content: expect.stringMatching(/^<image>How many things are in picture \d\?$/) }],
      reward_model: { verifier: "mathverify", accuracy_ratio: 1, format_ratio: 0 },
      extra_info: { image_path: expect.stringMatching(/^\d\.png$/) },
    });
    expect(count?.reward_model.ground_truth).toBe(`\\boxed{${count?.reward_model.answer}}`);
    const [first, turned] = await samplesOf(join(out, "train_detection_coco_2.parquet"));
    expect(first?.prompt[0]?.content).toMatch(/^<image>\n.+\n- cat's toy\n- dog\n\n[^]*<answer>\n\[\{'bbox_2d'/);
    expect(parseDetectionGroundTruth(first?.reward_model.ground_truth ?? "")).toEqual([
      { bbox_2d: [100, 100, 300, 300], label: "dog" },
      { bbox_2d: [505, 500, 1000, 1000], label: "cat's toy" },
    ]);
    expect(first?.reward_model.verifier_parm.det_verifier_normalized).toBe(true);
    expect(first?.reward_model.format_ratio).toBeCloseTo(0.1);
    // Orientation 6 shows the stored picture turned right: 60 × 100, and the box of its upper left at the upper right.
    expect(parseDetectionGroundTruth(turned?.reward_model.ground_truth ?? "")).toEqual([
      { bbox_2d: [750, 0, 1000, 500], label: "dog" },
    ]);
    expect(await sharp(turned?.images[0]?.bytes ?? undefined).metadata()).toMatchObject({ width: 60, height: 100 });
  });

  it("gives the same content hash on any number of threads, and another for another seed", async () => {
    const hashes: string[] = [];
    for (const [threads, seed] of [
      [1, 0],
      [4, 0],
      [1, 7],
    ] as const) {
      const report = await curate(both({ threads, seed }));
      hashes.push(report.contentHash);
      rmSync(out, { recursive: true });
    }
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it("gives the same corpus and ledger if worker threads identify languages, on any number of threads", async () => {
    const folder = join(root, "many");
    mkdirSync(folder);
    writeFileSync(join(folder, "a.png"), await tinyPng(40, 40, 3));
    const word = (i: number): string =>
      [...i.toString(26)].map((digit) => "abcdefghijklmnopqrstuvwxyz"[Number.parseInt(digit, 26)]).join("");
    const [french, english] = [
      "Combien de maisons voyez-vous près de la rue",
      "How many houses do you see near the street",
    ];
    const line = (i: number): string =>
      JSON.stringify({
        id: `${i}`,
        question: `${i % 3 === 0 ? french : english} ${word(i)}?`,
        answer: `${i % 9}`,
        image: "a.png",
      });
    writeFileSync(join(folder, "a.jsonl"), Array.from({ length: 4200 }, (_, i) => line(i)).join("\n"));
    const sources = [{ source: "table", path: folder, settings: { task: "ocr", name: "many", columns: {} } }];
    const results: unknown[] = [];
    for (const threads of [1, 2, 4]) {
      const report = await curate({
        sources,
        output: out,
        threads,
        seed: 1,
        rules: ["language", "verifiable-answer", { rule: "cap", max: 20 }],
      });
      expect(report.sources[0]?.dropped).toMatchObject([
        { rule: "language", rows: 1400 },
        { rule: "cap", rows: 2780 },
      ]);
      results.push([
        report.contentHash,
        await withDatabase({}, (c) => queryRows(c, `SELECT * FROM ${literal(join(out, "ledger.parquet"))}`)),
      ]);
      rmSync(out, { recursive: true });
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("gives the same corpus, ledger and split on any number of threads and within any memory limit", async () => {
    const folder = join(root, "limits");
    mkdirSync(join(folder, "annotations"), { recursive: true });
    mkdirSync(join(folder, "tables"));
    const rows = 9000;
    // Long enough that the smallest limit moves rows to the disk, with repeats for the rules that compare rows.
    await withDatabase({}, (c) =>
      c.run(`COPY (SELECT i % 8700 AS id, 'What is ' || repeat(md5((i % 8400)::VARCHAR), 60) || '?' AS question,
          i % 97 AS answer, i % 11 AS kind FROM range(${rows}) t(i) ORDER BY hash(i))
        TO ${literal(join(folder, "tables/a.parquet"))} (FORMAT parquet, ROW_GROUP_SIZE 2048)`),
    );
    const images = Array.from({ length: 600 }, (_, id) => ({ id: 9007199254740000 + 7 * id, file_name: `${id}.png` }));
    const annotations = images.flatMap(({ id }, i) =>
      [3, 1, 2].map((category_id) => ({ image_id: id, category_id, bbox: [i % 50, category_id, 5, 5] })),
    );
    const categories = [1, 2, 3].map((id) => ({ id, name: `thing ${id}` }));
    writeFileSync(
      join(folder, "annotations/instances_train.json"),
      JSON.stringify({ images, annotations, categories }),
    );
    const config = (more: Partial<CurationConfig>): CurationConfig => ({
      sources: [
        {
          source: "table",
          path: join(folder, "tables"),
          settings: { task: "math", name: "mine", columns: { category: "kind" } },
        },
        { source: "coco", path: folder },
      ],
      rules: ["duplicate-id", "duplicate-question", { rule: "cap", max: 6000 }],
      mix: { size: 4000, weights: { mine: 2 } },
      split: { test: 0.1, by: ["question"] },
      output: out,
      seed: 3,
      ...more,
    });
    const results: unknown[] = [];
    for (const [threads, memoryLimit] of [
      [1, "2GB"],
      [4, "2GB"],
      [2, "100MB"],
    ] as const) {
      const report = await curate(config({ threads, memoryLimit }));
      const ledger = literal(join(out, "ledger.parquet"));
      const [digest] = await withDatabase({}, (c) =>
        queryRows(
          c,
          `SELECT count(*) AS n, md5(string_agg(l::VARCHAR, '|' ORDER BY place_)) AS digest
          FROM (SELECT l, row_number() OVER () AS place_ FROM ${ledger} l)`,
        ),
      );
      expect(digest?.n).toBe(rows + images.length);
      expect(report.files.map(({ name }) => name.split("_")[0])).toContain("test");
      results.push([report.contentHash, digest]);
      rmSync(out, { recursive: true });
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it("writes copies under a name with their number, and merges sources of one name", async () => {
    const report = await curate({
      sources: [
        { source: "clevr", path: [clevr], limit: 2, copies: 2 },
        { source: "superclevr", path: clevr, limit: 1 },
      ],
      output: out,
    });
    expect(report.files.map(({ name, samples, copies }) => [name, samples, copies])).toEqual([
      ["train_counting_clevr_2_x2.parquet", 2, 2],
      ["train_counting_superclevr_1.parquet", 1, 1],
    ]);
    const ids = (await samplesOf(join(out, "train_counting_clevr_2_x2.parquet"))).map((sample) => sample.extra_info.id);
    expect(ids).toEqual(["train/0", "train/1", "train/0", "train/1"]);
  });

  it("keeps the reason of every row in the ledger", async () => {
    await curate(
      both({
        allReasons: true,
        rules: ["count-answer", { rule: "odd", sql: "answer = 'yes'", reason: "it says yes" }],
      }),
    );
    const rows = await withDatabase({}, (c) =>
      queryRows(
        c,
        `SELECT id, kept, dropped_by, reason, all_rules FROM ${literal(join(out, "ledger.parquet"))}
         WHERE answer = 'yes'`,
      ),
    );
    expect(rows).toEqual([
      {
        id: "train/2",
        kept: false,
        dropped_by: "count-answer",
        reason: "not a counting question: the answer is not a whole number",
        all_rules: ["count-answer", "odd"],
      },
    ]);
  });

  it("shows funnel, distributions and rows with their boxes on one page", async () => {
    await curate(both({ rules: ["count-answer", { rule: "a<b", sql: "answer = '3'", reason: "<b>three</b>" }] }));
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page).toContain("<span>count-answer</span>");
    expect(page).toContain("&lt;b&gt;three&lt;/b&gt;");
    expect(page).not.toContain("<b>three");
    expect(page).toContain("answer length, kept / read");
    // Every source in a line, and a picture with a dog and a toy counts for both categories.
    expect(page).toMatch(/<td><a href="#clevr">clevr<\/a><\/td><td>counting<\/td><td class="n">8<\/td>/);
    expect(page).toMatch(/title="cat's toy">cat's toy<\/span>/);
    expect(page.match(/data:image\/jpeg;base64,/g)?.length).toBeGreaterThanOrEqual(5);
    // The turned picture is 60 × 100, its box at the upper right.
    expect(page).toContain(
      '<svg viewBox="0 0 60 100" preserveAspectRatio="none">' +
        '<rect x="45" y="0" width="15" height="50"><title>dog</title></rect></svg>',
    );
    // It needs no network, and what the data says is no element.
    expect(page).not.toMatch(/https?:|\bsrc=(?!"data:)|<link/);
  });

  it("counts and lists records that cannot be used, or throws if strict", async () => {
    const folder = join(root, "bad");
    mkdirSync(join(folder, "questions"), { recursive: true });
    writeFileSync(
      join(folder, "questions/CLEVR_a_questions.json"),
      JSON.stringify({ questions: [{ question: 3 }, 7] }),
    );
    const config = { sources: [{ source: "clevr", path: folder }], output: out };
    const report = await curate(config);
    expect(report.sources[0]).toMatchObject({ read: 2, unreadable: 2, kept: 0 });
    expect(report.sources[0]?.unreadableExamples[0]).toContain("field image_filename");
    expect(formatFunnel(report)).toContain("unreadable 2");
    rmSync(out, { recursive: true });
    expect(await failure(curate(config, { strict: true }))).toMatchObject({ name: "DatasetError", row: 0 });
    expect(existsSync(out)).toBe(false);
  });

  it("warns if most pictures of a source are missing, or most records cannot be used", async () => {
    const folder = join(root, "missing");
    mkdirSync(folder);
    const line = (i: number): string =>
      JSON.stringify({ id: i, question: "n?", answer: `${i}`, image: `images/${i}.png` });
    writeFileSync(join(folder, "a.jsonl"), [1, 2, 3].map(line).join("\n"));
    writeFileSync(join(folder, "b.jsonl"), '{"question": "n?", "answer": []}\n'.repeat(4));
    const source = (files: string) => ({
      source: "table",
      path: folder,
      settings: { task: "math", name: files, files: `${files}\\.jsonl`, columns: {} },
    });
    const { warnings } = await curate({ sources: [source("a"), source("b")], output: out });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^a: the pictures of 3 of 3 rows are missing, such as images\/1.png\. Put them into .*missing/,
      ),
      "b: 4 of 4 records cannot be used.",
    ]);
    rmSync(out, { recursive: true });
    expect((await curate(both())).warnings).toBeUndefined();
  });

  it("takes custom adapters and rules", async () => {
    const mine: SourceAdapter = {
      info: { ...sourceInfo("geometry3k"), key: "mine", fileSource: "mine", dataSource: "mine" },
      async *read() {
        for (const answer of ["1", "2"]) yield { id: answer, question: "What is it?", answer, pictures: [] };
      },
    };
    const odd: FilterRule = {
      name: "odd",
      reason: "it is odd",
      scope: "row",
      parameters: {},
      sql: () => "answer::INTEGER % 2 = 1",
    };
    const report = await curate(
      { sources: [{ source: "mine", path: root }], output: out, rules: [odd] },
      { adapters: [mine, ...adapters] },
    );
    expect(report.files[0]?.name).toBe("train_math_mine_1.parquet");
    expect(report.sources[0]?.dropped).toMatchObject([{ rule: "odd", rows: 1 }]);
  });

  it("reads tables of many chunks while it writes its own", async () => {
    const folder = join(root, "table");
    mkdirSync(folder);
    // An appender flushes after 204,800 rows.
    const rows = 210_000;
    await withDatabase({}, (c) =>
      c.run(
        `COPY (SELECT 'What is it?' AS question, i AS answer, i % 9 AS kind FROM range(${rows}) t(i))
         TO ${literal(join(folder, "a.parquet"))} (FORMAT parquet, ROW_GROUP_SIZE 20480)`,
      ),
    );
    const settings = { task: "math", name: "numbers", columns: { category: "kind" } };
    const tail = { rule: "tail", sql: `answer::INTEGER < ${rows - 3}`, reason: "not of the last three" };
    const report = await curate({
      sources: [{ source: "table", path: folder, settings }],
      output: out,
      rules: [{ rule: "language", tasks: ["math"] }, tail],
    });
    expect(report.totals).toMatchObject({ read: rows, kept: 3 });
    const answers = (await samplesOf(join(out, "train_math_numbers_3.parquet"))).map(
      (sample) => sample.reward_model.answer,
    );
    expect(answers).toEqual([`${rows - 3}`, `${rows - 2}`, `${rows - 1}`]);
  });

  it("names the verifier answer and what its gold answers are, and refuses what does not fit", async () => {
    const folder = join(root, "answers");
    mkdirSync(folder);
    writeFileSync(join(folder, "rows.jsonl"), '{"id": "1", "q": "Which gate?", "a": "12-30"}\n');
    const settings = { task: "ocr", name: "gates", files: "rows", columns: { question: "q", answer: "a" } };
    const run = (more: object) =>
      curate({
        sources: [{ source: "table", path: folder, settings: { ...settings, ...more } }],
        output: out,
        rules: [],
      });
    await run({ verifier: "answer", answerType: "code" });
    const [sample] = await samplesOf(join(out, "train_ocr_gates_1.parquet"));
    expect(sample?.reward_model).toMatchObject({ verifier: "answer", verifier_parm: { type: "code" } });
    for (const [wrong, field] of [
      [{ verifier: "detection" }, "sources.0.settings.verifier"],
      [{ answerType: "code" }, "sources.0.settings.answerType"],
      [{ verifier: "answer", answerType: "kode" }, "sources.0.settings.answerType"],
    ] as const)
      await expect(run(wrong)).rejects.toMatchObject({ field });
  });

  it("writes beside the files that it reads, and does not read its own files", async () => {
    const folder = join(root, "beside");
    mkdirSync(folder);
    writeFileSync(join(folder, "rows.jsonl"), '{"id": "1", "q": "How many?", "a": "3"}\n');
    const settings = { task: "math", name: "mine", columns: { id: "id", question: "q", answer: "a" } };
    for (const output of ["first", "second"]) {
      const report = await curate({
        sources: [{ source: "table", path: folder, settings }],
        output: join(folder, output),
        rules: ["answer-length"],
      });
      expect(report.totals).toMatchObject({ read: 1, kept: 1, unreadable: 0 });
    }
  });

  it.each([[[]], [["near-duplicate-picture", "picture-size"]]])(
    "filters a corpus again by %j, with the same gold",
    async (rules) => {
      await curate(both());
      const again = join(root, "again");
      const settings = { task: "detection", name: "coco", files: "train_detection" };
      const report = await curate({ sources: [{ source: "verl", path: out, settings }], output: again, rules });
      expect(report.totals).toMatchObject({ read: 2, kept: 2 });
      const gold = async (folder: string): Promise<string[]> =>
        (await samplesOf(join(folder, "train_detection_coco_2.parquet"))).map(
          (sample) => sample.reward_model.ground_truth,
        );
      expect(await gold(again)).toEqual(await gold(out));
      rmSync(again, { recursive: true });
    },
  );

  it("reports its progress", async () => {
    const phases = new Set<string>();
    await curate(both(), { onProgress: ({ phase }) => phases.add(phase) });
    expect([...phases]).toEqual(["read", "rules", "pictures", "write"]);
  });
});

describe("the output folder", () => {
  it("is refused if it holds another run, which stays as it is", async () => {
    await curate(both());
    const before = readFileSync(join(out, "report.json"), "utf8");
    expect(await failure(curate(both({ seed: 3 })))).toMatchObject({
      code: "output-in-use",
      found: "another run's result",
    });
    expect(readFileSync(join(out, "report.json"), "utf8")).toBe(before);
  });

  it("is replaced on request, by a complete run only, and only if it holds a run", async () => {
    const first = await curate(both());
    const before = readFileSync(join(out, "report.json"), "utf8");
    const aborted = curate(both({ seed: 3 }), { overwrite: true, signal: AbortSignal.abort(new Error("enough")) });
    await expect(aborted).rejects.toThrow("enough");
    expect(readFileSync(join(out, "report.json"), "utf8")).toBe(before);
    const second = await curate(both({ seed: 3 }), { overwrite: true });
    expect(second.contentHash).not.toBe(first.contentHash);
    expect(JSON.parse(readFileSync(join(out, "report.json"), "utf8"))).toMatchObject({ seed: 3 });
    expect(readdirSync(root).filter((name) => name.startsWith("out"))).toEqual(["out"]);
    const folder = join(root, "own");
    mkdirSync(folder);
    writeFileSync(join(folder, "thesis.tex"), "x");
    expect(await failure(curate({ ...both(), output: folder }, { overwrite: true }))).toMatchObject({
      found: "1 files",
    });
    expect(readdirSync(folder)).toEqual(["thesis.tex"]);
  });

  it("gains sources on request, with duplicates and split over all of them", async () => {
    const whole = await curate(both({ split: { test: 0.3 } }));
    rmSync(out, { recursive: true });
    const [one, other] = both().sources;
    const only = (source: SourceConfig | undefined): CurationConfig =>
      both({ split: { test: 0.3 }, sources: [source as SourceConfig] });
    await curate(only(one), { append: true });
    const added = await curate(only(other), { append: true });
    expect(added.contentHash).toBe(whole.contentHash);
    expect(added.sources.map(({ source }) => source)).toEqual(["clevr", "coco"]);
    // A source of the same name and folder takes the place of the earlier one.
    const again = await curate(only({ ...(other as SourceConfig), limit: 1 }), { append: true });
    expect(again.sources.map(({ read }) => read)).toEqual([8, 1]);
  });

  it("is refused while another run writes it, and reused after that run died", async () => {
    mkdirSync(`${out}.partial`);
    writeFileSync(join(`${out}.partial`, "lock.json"), JSON.stringify({ pid: process.pid }));
    expect(await failure(curate(both()))).toMatchObject({
      code: "output-in-use",
      found: `process ${process.pid} is writing it`,
    });
    writeFileSync(join(`${out}.partial`, "lock.json"), JSON.stringify({ pid: 2 ** 22 + 1 }));
    expect((await curate(both())).totals.kept).toBe(6);
  });

  it("does not exist if the disk is full, and the error says why", async () => {
    const full: SourceAdapter = {
      info: { ...sourceInfo("geometry3k"), key: "full" },
      read: async function* () {
        yield* [];
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      },
    };
    const error = await failure(
      curate({ sources: [{ source: "full", path: root }], output: out }, { adapters: [full] }),
    );
    expect(error).toMatchObject({
      name: "DatasetError",
      code: "write-failed",
      file: out,
      found: expect.stringContaining("no space left"),
    });
    expect(existsSync(out) || existsSync(`${out}.partial`)).toBe(false);
  });

  it("may exist if it is empty", async () => {
    mkdirSync(out);
    expect((await curate(both())).totals.kept).toBe(6);
  });

  it.each(["read", "rules", "pictures", "write"])("does not exist after an abort during %s", async (phase) => {
    const controller = new AbortController();
    const run = curate(both(), {
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.phase === phase) controller.abort();
      },
    });
    expect(await failure(run)).toMatchObject({ name: "AbortError" });
    expect(readdirSync(root).filter((name) => name.startsWith("out"))).toEqual([]);
  });
});

describe("the configuration", () => {
  it.each<[unknown, string]>([
    [{ sources: [], output: "x" }, "at least one source"],
    [{ sources: [{ source: "clevr", path: "x" }] }, "a folder"],
    [{ sources: [{ source: "clever", path: "x" }], output: "x" }, "did you mean clevr?"],
    [{ sources: [{ source: "clevr", pth: "x" }], output: "x" }, "did you mean path?"],
    [{ sources: [{ source: "clevr", path: "x", limit: -1 }], output: "x" }, "at least 1"],
    [{ sources: [{ source: "clevr", path: "x" }], output: "x", sed: 3 }, "did you mean seed?"],
    [{ sources: [{ source: "clevr", path: "x" }], output: "x", seed: "3" }, '"3" (a string)'],
    [{ sources: [{ source: "clevr", path: "x", settings: { form: "scenes" } }], output: "x" }, "did you mean from?"],
    [
      {
        sources: [
          { source: "clevr", path: "x" },
          { source: "table", path: "x", settings: { task: "maths" } },
        ],
        output: "x",
      },
      "field sources.1.settings.task",
    ],
    [
      {
        sources: [
          { source: "clevr", path: "x" },
          { source: "clever", path: "x" },
        ],
        output: "x",
      },
      "field sources.1.source",
    ],
    [{ sources: [{ source: "clevr", path: "x" }], output: "x", rules: ["language", "language"] }, "each rule once"],
    [null, "an object"],
  ])("%j is refused", async (config, message) => {
    const error = await failure(curate(config as CurationConfig));
    expect(error).toBeInstanceOf(DatasetError);
    expect((error as Error).message).toContain(message);
  });
});

describe("formatFunnel", () => {
  it("fits 80 columns", async () => {
    const text = formatFunnel(await curate(both()));
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).toMatch(/clevr\s+counting\s+8\s+4\s+50 % picture-decodes 2/);
    expect(text).toContain("train_detection_coco_2.parquet");
  });
});
