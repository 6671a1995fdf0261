import { mkdtempSync, readdirSync, rmSync, truncateSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DatasetError,
  detectionGroundTruth,
  detectionVerifierParm,
  emptyVerifierParm,
  formatBoxes,
  type Sample,
} from "@v-triune/schema";
import { answer } from "@v-triune/verifiers";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { literal, queryRows, withDatabase } from "../duckdb/database";
import { readSamples } from "./read-samples";
import { writeSamples } from "./write-samples";

let folder: string;
let picture: Uint8Array;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "samples-"));
  picture = await sharp({ create: { width: 32, height: 32, channels: 3, background: "red" } })
    .png()
    .toBuffer();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function math(i: number): Sample {
  return {
    data_source: "mine",
    images: [{ bytes: picture, path: `images/${i}.png` }],
    prompt: [{ content: `<image>What is ${i} + ${i}?`, role: "user" }],
    ability: "math",
    reward_model: {
      answer: `${2 * i}`,
      ground_truth: `\\boxed{${2 * i}}`,
      accuracy_ratio: 1,
      format_ratio: 0,
      verifier: "mathverify",
      verifier_parm: emptyVerifierParm(),
    },
    extra_info: { id: null, image_path: null },
  };
}

function detection(): Sample {
  const boxes = [{ bbox_2d: [1, 2, 3, 4] as const, label: "it's" }];
  return {
    data_source: "boxes",
    images: [
      { bytes: null, path: "a.jpg" },
      { bytes: picture, path: null },
    ],
    prompt: [
      { content: "Be brief.", role: "system" },
      { content: "<image><image> Find it.", role: "user" },
    ],
    ability: null,
    reward_model: {
      answer: formatBoxes(boxes),
      ground_truth: detectionGroundTruth(boxes),
      accuracy_ratio: 1,
      format_ratio: 0.5,
      verifier: "detection",
      verifier_parm: detectionVerifierParm({ iou_completeness: 0.25 }),
    },
    extra_info: { id: "ü1", image_path: "a.jpg" },
  };
}

async function collect(source: AsyncIterable<Sample>): Promise<Sample[]> {
  const all: Sample[] = [];
  for await (const sample of source) all.push(sample);
  return all;
}

const bytesAsArrays = (samples: Sample[]) =>
  samples.map((s) => ({
    ...s,
    images: s.images.map((i) => ({ ...i, bytes: i.bytes === null ? null : [...i.bytes] })),
  }));

async function sql(query: string): Promise<Record<string, unknown>[]> {
  return withDatabase({}, (connection) => queryRows(connection, query));
}

async function errorOf(work: Promise<unknown>): Promise<DatasetError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DatasetError);
  return error as DatasetError;
}

describe("writeSamples and readSamples", () => {
  it("return what was written, in order", async () => {
    const samples = [...Array.from({ length: 100 }, (_, i) => math(i)), detection()];
    const file = join(folder, "round.parquet");
    const written = await writeSamples(file, samples);
    expect(written).toMatchObject({ path: file, rows: 101, bytes: statSync(file).size });
    expect(bytesAsArrays(await collect(readSamples(file)))).toEqual(bytesAsArrays(samples));
    expect(readdirSync(folder)).toEqual(["round.parquet"]);
  });

  it("come back with the parameters of the verifier answer, and judge by them", async () => {
    const file = join(folder, "parameters.parquet");
    const plain = math(2);
    const parm = { ...emptyVerifierParm(), type: "tuple", choices: ["1, 2", "2, 1"] };
    const reward = { ...plain.reward_model, ground_truth: "1, 2", verifier: "answer" };
    const samples: Sample[] = [
      { ...plain, reward_model: { ...reward, verifier_parm: parm } },
      { ...plain, reward_model: { ...reward, verifier_parm: { ...emptyVerifierParm(), type: "tuple" } } },
      plain,
    ];
    await expect(writeSamples(file, samples)).rejects.toMatchObject({
      field: "reward_model.verifier_parm.type",
      fix: "write with answerParameters: true",
    });
    await writeSamples(file, samples, { answerParameters: true });
    const read = await collect(readSamples(file));
    expect(bytesAsArrays(read)).toEqual(bytesAsArrays(samples));
    const { ground_truth: groundTruth, verifier_parm: params } = read[1]!.reward_model;
    const sample = { groundTruth, params: { ...params } };
    expect(answer.verify("\\boxed{1, 2}", sample)).toMatchObject({ accuracy: 1 });
    expect(answer.verify("\\boxed{2, 1}", sample)).toMatchObject({ accuracy: 0 });
  });

  it("come back with IoU schedules of their own", async () => {
    const file = join(folder, "schedules.parquet");
    const plain = math(4);
    const schedule = [
      { until: 0.5, epsilon: 0.25 },
      { until: 1, epsilon: 0.75 },
    ];
    const parm = { ...detectionVerifierParm(), iou_schedule: schedule };
    const own: Sample = { ...plain, reward_model: { ...plain.reward_model, verifier_parm: parm } };
    await expect(writeSamples(file, [plain, own])).rejects.toMatchObject({
      row: 1,
      field: "reward_model.verifier_parm.iou_schedule",
      fix: "write with iouSchedules: true",
    });
    await writeSamples(file, [plain, own], { iouSchedules: true });
    const [first, second] = await collect(readSamples(file));
    expect(first!.reward_model.verifier_parm).not.toHaveProperty("iou_schedule");
    expect(second!.reward_model.verifier_parm.iou_schedule).toEqual(schedule);
  });

  it("come back with where to look and what tools are paid, and refuse malformed boxes", async () => {
    const file = join(folder, "tool-parameters.parquet");
    const plain = math(5);
    const withParm = (parm: object): Sample => ({
      ...plain,
      reward_model: { ...plain.reward_model, verifier_parm: { ...emptyVerifierParm(), ...parm } },
    });
    const own = withParm({
      look_at: [
        [0, 250, 500, 1000],
        [12.5, 0, 100, 10],
      ],
      tool_reward: { whenRight: 0.5, faithfulnessBy: "iou" },
    });
    await expect(writeSamples(file, [plain, own])).rejects.toMatchObject({
      row: 1,
      field: "reward_model.verifier_parm.look_at",
      fix: "write with toolParameters: true",
    });
    await writeSamples(file, [plain, own], { toolParameters: true });
    const [first, second] = await collect(readSamples(file));
    expect(first!.reward_model.verifier_parm).not.toHaveProperty("look_at");
    expect(first!.reward_model.verifier_parm).not.toHaveProperty("tool_reward");
    expect(second!.reward_model.verifier_parm.look_at).toEqual(own.reward_model.verifier_parm.look_at);
    expect(second!.reward_model.verifier_parm.tool_reward).toMatchObject({
      whenRight: 0.5,
      faithfulnessBy: "iou",
      callCost: null,
    });
    for (const parm of [{ look_at: [[500, 0, 100, 10]] }, { look_at: [[0, 0, 10]] }, { tool_reward: { whenRigth: 1 } }])
      await expect(
        writeSamples(file, [withParm(parm)], { toolParameters: true, overwrite: true }),
      ).rejects.toMatchObject({
        field: expect.stringMatching(/verifier_parm\.(look_at|tool_reward)/) as unknown,
      });
  });

  it("come back with criteria of their own for a judge, and refuse empty ones", async () => {
    const file = join(folder, "rubrics.parquet");
    const plain = math(5);
    const withRubric = (rubric: object[]): Sample => ({
      ...plain,
      reward_model: {
        ...plain.reward_model,
        verifier_parm: { ...emptyVerifierParm(), rubric: rubric as never },
      },
    });
    const own = withRubric([{ criterion: "Names the animal.", weight: 2 }, { criterion: "Says where it is." }]);
    await expect(writeSamples(file, [plain, own])).rejects.toMatchObject({
      row: 1,
      field: "reward_model.verifier_parm.rubric",
      fix: "write with rubrics: true",
    });
    await writeSamples(file, [plain, own], { rubrics: true });
    const [first, second] = await collect(readSamples(file));
    expect(first!.reward_model.verifier_parm).not.toHaveProperty("rubric");
    expect(second!.reward_model.verifier_parm.rubric).toEqual([
      { criterion: "Names the animal.", weight: 2 },
      { criterion: "Says where it is.", weight: null },
    ]);
    for (const rubric of [[], [{ criterion: "" }], [{ criterion: "x", weight: 0 }], [{ criterion: "x", wieght: 1 }]])
      await expect(writeSamples(file, [withRubric(rubric)], { rubrics: true, overwrite: true })).rejects.toMatchObject({
        field: expect.stringContaining("verifier_parm.rubric") as unknown,
      });
  });

  it("come back with the tags of curation, which Orsta's layout does not have", async () => {
    const file = join(folder, "tags.parquet");
    const plain = math(3);
    const tagged: Sample = { ...plain, extra_info: { ...plain.extra_info, tags: ["blind-solvable"] } };
    await expect(writeSamples(file, [plain, tagged])).rejects.toMatchObject({
      row: 1,
      field: "extra_info.tags",
      fix: "write with tags: true",
    });
    await writeSamples(file, [plain, tagged], { tags: true });
    expect(bytesAsArrays(await collect(readSamples(file)))).toEqual(bytesAsArrays([plain, tagged]));
  });

  it("write exactly the Orsta layout, with the footer that shows pictures in datasets", async () => {
    const file = join(folder, "layout.parquet");
    await writeSamples(file, [math(1)]);
    const columns = await sql(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${literal(file)})`);
    const ratios = ["iou_max_label_first", "iou_max_iou_first", "iou_completeness", "map", "map50", "map75"];
    expect(Object.fromEntries(columns.map((c) => [c.column_name, String(c.column_type).replace(/"/g, "")]))).toEqual({
      data_source: "VARCHAR",
      images: "STRUCT(bytes BLOB, path VARCHAR)[]",
      prompt: "STRUCT(content VARCHAR, role VARCHAR)[]",
      ability: "VARCHAR",
      reward_model:
        "STRUCT(answer VARCHAR, ground_truth VARCHAR, accuracy_ratio FLOAT, format_ratio FLOAT, verifier VARCHAR, " +
        "verifier_parm STRUCT(det_verifier_normalized BOOLEAN, " +
        `det_reward_ratio STRUCT(${ratios.map((r) => `${r} FLOAT`).join(", ")})))`,
      extra_info: "STRUCT(id VARCHAR, image_path VARCHAR)",
    });
    const [footer] = await sql(
      `SELECT decode(value) AS v FROM parquet_kv_metadata(${literal(file)}) WHERE decode(key) = 'huggingface'`,
    );
    expect(JSON.parse(String(footer?.v)).info.features.images).toEqual({ feature: { _type: "Image" }, _type: "List" });
  });

  it("join the parts of an asynchronous source, with the same content hash as an array's", async () => {
    const big = new Uint8Array(9 * 2 ** 20).fill(7);
    const samples = Array.from({ length: 16 }, (_, i) => ({ ...math(i), images: [{ bytes: big, path: null }] }));
    async function* arriving() {
      for (const sample of samples) yield await Promise.resolve(sample);
    }
    const parts = await writeSamples(join(folder, "parts.parquet"), arriving());
    const whole = await writeSamples(join(folder, "whole.parquet"), samples);
    expect(parts).toMatchObject({ rows: 16, contentHash: whole.contentHash });
    const answers = (await collect(readSamples(parts.path, { columns: ["reward_model"] }))).map(
      (s) => s.reward_model.answer,
    );
    expect(answers).toEqual(samples.map((s) => s.reward_model.answer));
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("give different rows different content hashes", async () => {
    const a = await writeSamples(join(folder, "a.parquet"), [math(1), math(2)]);
    const b = await writeSamples(join(folder, "b.parquet"), [math(2), math(1)]);
    expect(a.contentHash).not.toBe(b.contentHash);
  });

  it("read chosen columns and a limit", async () => {
    const file = join(folder, "round.parquet");
    const [first, ...more] = await collect(readSamples(file, { columns: ["prompt"], limit: 1 }));
    expect(more).toEqual([]);
    expect(first?.images).toEqual([]);
    expect(first?.prompt[0]?.content).toBe("<image>What is 0 + 0?");
  });

  it("write an empty file that reads as no samples", async () => {
    const file = join(folder, "empty.parquet");
    expect((await writeSamples(file, [])).rows).toBe(0);
    expect(await collect(readSamples(file))).toEqual([]);
  });

  it("do not replace a file without overwrite", async () => {
    const file = join(folder, "twice.parquet");
    await writeSamples(file, [math(1)]);
    expect(await errorOf(writeSamples(file, [math(2)]))).toMatchObject({ code: "output-in-use" });
    await writeSamples(file, [math(2)], { overwrite: true });
    expect((await collect(readSamples(file)))[0]?.reward_model.answer).toBe("4");
  });

  it("leave nothing behind if a sample is wrong, and keep the earlier file", async () => {
    const file = join(folder, "kept.parquet");
    await writeSamples(file, [math(1)]);
    const bad = { ...math(3), images: [] };
    const error = await errorOf(writeSamples(file, [math(2), bad], { overwrite: true }));
    expect(error).toMatchObject({ code: "image-count", row: 1, file });
    expect((await collect(readSamples(file)))[0]?.reward_model.answer).toBe("2");
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });

  it("stop at an abort without a file", async () => {
    const controller = new AbortController();
    function* endless() {
      for (let i = 0; ; i++) {
        if (i === 500) controller.abort();
        yield math(i);
      }
    }
    const file = join(folder, "aborted.parquet");
    await expect(writeSamples(file, endless(), { signal: controller.signal })).rejects.toThrow(/abort/i);
    expect(readdirSync(folder).filter((name) => name.includes("aborted"))).toEqual([]);
  });

  it("throw what the samples' iterator throws", async () => {
    function* failing(): Generator<Sample> {
      yield math(1);
      throw new TypeError("mine");
    }
    async function* later(): AsyncGenerator<Sample> {
      yield* failing();
    }
    const file = join(folder, "failing.parquet");
    await expect(writeSamples(file, failing())).rejects.toThrow(new TypeError("mine"));
    await expect(writeSamples(file, later())).rejects.toThrow(new TypeError("mine"));
    expect(readdirSync(folder).filter((name) => name.includes("failing"))).toEqual([]);
  });

  it("throw if the folder cannot be written", async () => {
    const notAFolder = join(folder, "file");
    writeFileSync(notAFolder, "");
    expect(await errorOf(writeSamples(join(notAFolder, "a.parquet"), [math(1)]))).toMatchObject({
      code: "write-failed",
    });
  });
});

describe("readSamples on other people's files", () => {
  const prompt = "[{'content': 'a', 'role': 'user'}]";
  const reward = "{'ground_truth': '1', 'verifier': 'mathverify'}";
  async function file(select: string): Promise<string> {
    const path = join(folder, `f${readdirSync(folder).length}.parquet`);
    await withDatabase({}, (c) => c.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`));
    return path;
  }

  it("accepts missing and extra leaves, other widths and numbers for ids", async () => {
    const path = await file(
      `SELECT 'x' AS data_source, ${prompt} AS prompt,
        {'style': 'rule', 'ground_truth': '1', 'verifier': 'mathverify', 'accuracy_ratio': 1::DOUBLE, 'answer': 1}
          AS reward_model,
        {'id': 7, 'split': 'train'} AS extra_info, 3 AS more`,
    );
    const [sample] = await collect(readSamples(path));
    expect(sample).toMatchObject({
      images: [],
      ability: null,
      reward_model: { answer: "1", accuracy_ratio: 1, format_ratio: 0.1 },
      extra_info: { id: "7", image_path: null },
    });
  });

  it.each<[string, string, Partial<DatasetError>]>([
    [
      "a prompt of text",
      `SELECT 'x' AS data_source, 'hi' AS prompt, ${reward} AS reward_model`,
      { code: "wrong-type", field: "prompt" },
    ],
    ["no prompt", `SELECT 'x' AS data_source, ${reward} AS reward_model`, { code: "missing-field", field: "prompt" }],
    [
      "no verifier",
      `SELECT 'x' AS data_source, ${prompt} AS prompt, {'ground_truth': '1'} AS reward_model`,
      { code: "missing-field", field: "reward_model.verifier" },
    ],
    [
      "a fraction for text",
      `SELECT 1.5::DOUBLE AS data_source, ${prompt} AS prompt, ${reward} AS reward_model`,
      { code: "wrong-type", field: "data_source", found: "DOUBLE" },
    ],
    [
      "pictures of text",
      `SELECT 'x' AS data_source, ['a.png'] AS images, ${prompt} AS prompt, ${reward} AS reward_model`,
      { code: "wrong-type", field: "images" },
    ],
  ])("refuses %s before reading a row", async (_, select, expected) => {
    const path = await file(select);
    expect(await errorOf(collect(readSamples(path, { onBadRow: () => {} })))).toMatchObject({
      ...expected,
      file: path,
    });
  });

  it("leaves out a bad row and says which, or throws if strict", async () => {
    const path = await file(
      `SELECT unnest(['x', '', 'y']) AS data_source, ${prompt} AS prompt, ${reward} AS reward_model`,
    );
    const bad: DatasetError[] = [];
    const good = await collect(readSamples(path, { onBadRow: (error) => bad.push(error) }));
    expect(good.map((s) => s.data_source)).toEqual(["x", "y"]);
    expect(bad).toMatchObject([{ row: 1, field: "data_source", file: path }]);
    expect(await errorOf(collect(readSamples(path)))).toMatchObject({ row: 1 });
  });

  it("says that a file is missing, cut off or not Parquet", async () => {
    expect(await errorOf(collect(readSamples(join(folder, "none*.parquet"))))).toMatchObject({ code: "missing-file" });
    const cut = join(folder, "cut.parquet");
    await writeSamples(cut, [math(1)]);
    truncateSync(cut, statSync(cut).size - 100);
    expect(await errorOf(collect(readSamples(cut)))).toMatchObject({ code: "not-parquet", file: cut });
    const html = join(folder, "html.parquet");
    writeFileSync(html, "<html>not found</html>");
    expect(await errorOf(collect(readSamples(html)))).toMatchObject({ code: "not-parquet", file: html });
  });

  it("says that a row group does not fit into the memory limit", async () => {
    const path = await file(
      `SELECT 'x' AS data_source, [{'bytes': repeat(md5(i::VARCHAR), 60000)::BLOB, 'path': NULL::VARCHAR}] AS images,
        [{'content': '<image>a', 'role': 'user'}] AS prompt, ${reward} AS reward_model FROM range(40) t(i)`,
    );
    const error = await errorOf(collect(readSamples(path, { memoryLimit: "20MB", threads: 1 })));
    expect(error).toMatchObject({ code: "unreadable", fix: expect.stringContaining("raise memoryLimit") });
  });

  it("reads the files of a folder and of a glob by name", async () => {
    const many = mkdtempSync(join(folder, "many-"));
    for (const i of [2, 1]) await writeSamples(join(many, `${i}.parquet`), [math(i)]);
    const answers = async (path: string) => (await collect(readSamples(path))).map((s) => s.reward_model.answer);
    expect(await answers(many)).toEqual(["2", "4"]);
    expect(await answers(`${many}/[12].parquet`)).toEqual(["2", "4"]);
  });
});
