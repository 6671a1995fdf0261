/** The page reads corpora with the rules of the command line: both read the same files here. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { readSamples, writeSamples } from "@v-triune/data-filters";
import { detectionVerifierParm, emptyVerifierParm, type Sample } from "@v-triune/schema";
import { afterAll, describe, expect, it } from "vitest";
import { CorpusFile } from "./corpus-file";
import type { NamedFile } from "./file-kind";

const folder = mkdtempSync(join(tmpdir(), "v-triune-explore-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const named = (path: string): NamedFile => ({ path, blob: new Blob([readFileSync(path)]) });

/** A file that DuckDB writes from SQL, as other programs might. */
async function made(name: string, sql: string, more = ""): Promise<string> {
  const path = join(folder, `${name}.parquet`);
  mkdirSync(dirname(path), { recursive: true });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet${more})`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

interface Reading {
  readonly samples: readonly Sample[];
  readonly problems: readonly string[];
}

async function byCommandLine(path: string): Promise<Reading | string> {
  const problems: string[] = [];
  const samples: Sample[] = [];
  try {
    for await (const sample of readSamples(path, { onBadRow: ({ message }) => problems.push(message) }))
      samples.push(sample);
    return { samples: samples.map(withPlainBytes), problems };
  } catch (error) {
    return (error as Error).message;
  }
}

/** Bytes as a browser has them. */
const withPlainBytes = (sample: Sample): Sample => ({
  ...sample,
  images: sample.images.map((image) => ({ ...image, bytes: image.bytes && new Uint8Array(image.bytes) })),
});

async function byPage(path: string): Promise<Reading | string> {
  try {
    const corpus = await CorpusFile.open(named(path));
    await corpus.check(() => undefined);
    const rows = await corpus.rows(Array.from({ length: corpus.summary.rows }, (_, row) => row));
    const samples = await Promise.all(
      rows.flatMap(({ row, sample }) => (sample === null ? [] : [withPictures(corpus, row, sample)])),
    );
    const problems = rows.flatMap(({ problem }) => problem ?? []);
    expect(corpus.summary).toMatchObject({ checked: rows.length, refused: problems.length });
    return { samples, problems };
  } catch (error) {
    return (error as Error).message;
  }
}

async function withPictures(corpus: CorpusFile, row: number, sample: Sample): Promise<Sample> {
  const pictures = await corpus.pictures(row);
  return { ...sample, images: sample.images.map((image, at) => ({ ...image, bytes: pictures[at] ?? null })) };
}

const math = (id: number, more: Partial<Sample> = {}): Sample => ({
  data_source: id % 2 === 0 ? "geometry3k" : "mmk12",
  images: [{ bytes: Uint8Array.of(137, 80, id), path: id % 3 === 0 ? null : `pictures/${id}.png` }],
  prompt: [{ role: "user", content: `<image>\nWhat is the área of ${id}? ` }],
  ability: "math",
  reward_model: {
    answer: String(id),
    ground_truth: `\\boxed{${id}}`,
    accuracy_ratio: 0.9,
    format_ratio: Math.fround(0.1),
    verifier: "mathverify",
    verifier_parm: emptyVerifierParm(),
  },
  extra_info: { id: String(id), image_path: null },
  ...more,
});
const boxes: Sample = {
  ...math(100),
  data_source: "v3det",
  ability: "cv_detection",
  reward_model: {
    answer: null,
    ground_truth: "<answer>\n[{'bbox_2d': [0, 0, 500, 500], 'label': 'cat'}]\n</answer>",
    accuracy_ratio: 1,
    format_ratio: 1,
    verifier: "detection",
    verifier_parm: { ...detectionVerifierParm(), iou_schedule: [{ until: 1, epsilon: 0.5 }] },
  },
  extra_info: { id: null, image_path: "a.png", tags: ["blind-solvable"] },
};

/** A row as SQL, with what differs from a good one. */
const row = (more: Readonly<Record<string, string>> = {}): string => {
  const columns = {
    data_source: "'clevr'",
    images: "[{bytes: '\\x89P'::BLOB, path: 'a.png'}]",
    prompt: "[{role: 'user', content: '<image> How many?'}]",
    ability: "'math'",
    reward_model: "{ground_truth: '\\boxed{3}', verifier: 'mathverify', accuracy_ratio: 1.0::DOUBLE, format_ratio: 0}",
    extra_info: "{id: 7}",
    ...more,
  };
  return `SELECT ${Object.entries(columns)
    .map(([name, sql]) => `${sql} AS "${name}"`)
    .join(", ")}`;
};
const without = (column: string): string => `SELECT * EXCLUDE (${column}) FROM (${row()})`;

it.each(["snappy", "zstd", "uncompressed"] as const)("reads what our writer writes (%s)", async (compression) => {
  const path = join(folder, `written-${compression}.parquet`);
  const samples = [
    ...Array.from({ length: 5 }, (_, id) => math(id)),
    boxes,
    math(7, { images: [], prompt: [{ role: "user", content: "2 + 2?" }] }),
  ];
  await writeSamples(path, samples, { compression, rowGroupSize: 3, iouSchedules: true, tags: true });
  const page = await byPage(path);
  expect(page).toEqual(await byCommandLine(path));
  expect((page as Reading).samples).toHaveLength(samples.length);
});

describe("says what the command line says of", () => {
  it.each<readonly [name: string, sql: string]>([
    ["numbers for text, missing leaves", `${row()} UNION ALL ${row({ extra_info: "{id: 12}" })}`],
    [
      "ids that became fractions",
      `${row({ extra_info: "{id: 7.0::DOUBLE}" })} UNION ALL ${row({ extra_info: "{id: 'nan'::DOUBLE}" })}`,
    ],
    [
      "rows with nothing in them",
      [row(), row({ reward_model: "NULL" }), row({ prompt: "NULL", images: "NULL", extra_info: "NULL" })].join(
        " UNION ALL ",
      ),
    ],
    [
      "an unknown verifier",
      `${row()} UNION ALL ${row({ reward_model: "{ground_truth: '3', verifier: 'mathverfy', accuracy_ratio: 1.0, format_ratio: 0}" })}`,
    ],
    [
      "more pictures than marks",
      `${row()} UNION ALL ${row({ images: "[{bytes: NULL, path: 'a'}, {bytes: NULL, path: 'b'}]" })}`,
    ],
    [
      "a picture without bytes and path",
      [
        row(),
        row({ images: "[{bytes: NULL, path: NULL}]" }),
        row({ images: "[{bytes: '\\x89P'::BLOB, path: NULL}]" }),
      ].join(" UNION ALL "),
    ],
    ["pictures of bytes alone", row({ images: "[{bytes: '\\x89P'::BLOB}]" })],
    ["an empty prompt", row({ prompt: "[]::STRUCT(role VARCHAR, content VARCHAR)[]", images: "NULL" })],
    ["a missing column", without("reward_model")],
    ["missing columns that may be missing", without("ability, extra_info")],
    ["a missing leaf", row({ reward_model: "{ground_truth: '3'}" })],
    ["numbers where text belongs", row({ data_source: "1.5::DOUBLE" })],
    ["text where a list belongs", row({ prompt: "'How many?'" })],
    ["a list of the wrong things", row({ images: "['a.png']" })],
    [
      "times and decimals",
      row({ ability: "TIMESTAMP '2020-01-01'", extra_info: "{id: 1, image_path: 1.50::DECIMAL(9, 2)}" }),
    ],
    [
      "a column of a wrong type without a value",
      row({ ability: "NULL::DATE", extra_info: "{id: 1, image_path: NULL::DOUBLE}" }),
    ],
    ["JSON and enums", row({ ability: "'math'::ENUM('math')", extra_info: "{id: '{}'::JSON}" })],
    ["another layout", "SELECT 1 AS question, 'x' AS answer"],
    ["a file without rows", `SELECT * FROM (${row({ data_source: "1.5::DOUBLE" })}) LIMIT 0`],
  ])("%s", async (name, sql) => {
    const path = await made(name.replaceAll(/\W/g, "-"), sql);
    expect(await byPage(path)).toEqual(await byCommandLine(path));
  });

  it("a column that is the name of a folder", async () => {
    const path = await made("data_source=clevr/part", without("data_source"));
    const page = await byPage(path);
    expect(page).toEqual(await byCommandLine(path));
    expect(page).toMatchObject({ samples: [{ data_source: "clevr" }] });
  });

  it("a file that was cut off, in its own words", async () => {
    const path = join(folder, "written-snappy.parquet");
    const cut = readFileSync(path).subarray(0, -10);
    await expect(CorpusFile.open({ path: "cut.parquet", blob: new Blob([cut]) })).rejects.toThrow(
      /cut\.parquet\n[^]*a whole Parquet file[^]*the beginning of a Parquet file[^]*cut off/,
    );
  });
});

describe("finds rows", () => {
  const path = join(folder, "found.parquet");
  const samples = [...Array.from({ length: 69 }, (_, id) => math(id)), boxes];
  const open = async (): Promise<CorpusFile> => {
    await writeSamples(path, samples, { overwrite: true, rowGroupSize: 32, iouSchedules: true, tags: true });
    return await CorpusFile.open(named(path));
  };

  it("by source, ability, verifier and text, before all rows were checked", async () => {
    const corpus = await open();
    const steps: number[] = [];
    const found = await corpus.find({ source: "mmk12", text: "ÁREA OF 43?" }, ({ rows }) => steps.push(rows.length));
    expect(found).toEqual({ rows: [43], isComplete: true });
    expect(steps).toEqual([0, 1, 1]);
    const rowsOf = async (filter: Parameters<CorpusFile["find"]>[0]): Promise<readonly number[]> =>
      (await corpus.find(filter, () => undefined)).rows;
    expect(await rowsOf({ verifier: "detection" })).toEqual([69]);
    expect(await rowsOf({ ability: "cv_detection", text: "cat" })).toEqual([69]);
    expect(await rowsOf({ ability: "cv_detection", source: "mmk12" })).toEqual([]);
    expect(await rowsOf({ source: "nowhere" })).toEqual([]);
    expect(await rowsOf({ refused: true })).toEqual([]);
    expect(corpus.summary).toEqual({
      rows: 70,
      checked: 70,
      refused: 0,
      sources: { geometry3k: 35, mmk12: 34, v3det: 1 },
      abilities: { math: 69, cv_detection: 1 },
      verifiers: { mathverify: 69, detection: 1 },
    });
  });

  it("and gives them in the order that was asked for, with their pictures", async () => {
    const corpus = await open();
    expect((await corpus.rows([68, 1])).map(({ row: at, sample }) => [at, sample?.extra_info.id])).toEqual([
      [68, "68"],
      [1, "1"],
    ]);
    expect(await corpus.pictures(68)).toEqual([Uint8Array.of(137, 80, 68)]);
  });

  it("and stops when it is told", async () => {
    const stop = new AbortController();
    const search = (await open()).find({}, () => stop.abort(new Error("enough")), stop.signal);
    await expect(search).rejects.toThrow("enough");
  });
});
