/** Corpus files of other writers: columns without a value, odd paths, columns that differ in case. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DatasetError, Sample } from "@v-triune/schema";
import { afterAll, describe, expect, it } from "vitest";
import { literal, withDatabase } from "../duckdb/database";
import { renameColumn } from "../testing/faults";
import { readSamples } from "./read-samples";
import { openSampleSet } from "./sample-set";

const root = mkdtempSync(join(tmpdir(), "faithful-samples-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Columns of a corpus file as SQL. */
const COLUMNS = {
  data_source: "'mine'",
  images: "NULL::STRUCT(bytes BLOB, path VARCHAR)[]",
  prompt: "[{'content': 'How many?', 'role': 'user'}]",
  ability: "'math'",
  reward_model: "{'ground_truth': '\\boxed{1}', 'verifier': 'mathverify'}",
  extra_info: "{'id': 'a' || i}",
};

/** Writes a file of three rows. Columns that are undefined are left out. */
async function write(name: string, columns: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  const selected = Object.entries({ ...COLUMNS, ...columns }).flatMap(([column, sql]) =>
    sql === undefined ? [] : [`${sql} AS "${column}"`],
  );
  await withDatabase({}, (c) =>
    c.run(`COPY (SELECT ${selected.join(", ")} FROM range(3) t(i)) TO ${literal(path)} (FORMAT parquet)`),
  );
  return path;
}

/** The samples as both readers give them. */
async function read(path: string): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of readSamples(path)) samples.push(sample);
  const set = await openSampleSet(path);
  try {
    expect(await set.read(samples.map((_, i) => i))).toEqual(samples);
    expect(samples.map((_, i) => set.sourceOf(i))).toEqual(samples.map(({ data_source }) => data_source));
  } finally {
    set.close();
  }
  return samples;
}

describe("a column without a value in any row", () => {
  const struct = (leaves: string): string => `{'ground_truth': '\\boxed{1}', 'verifier': 'mathverify', ${leaves}}`;
  it.each<[string, Readonly<Record<string, string | undefined>>]>([
    ["images, as integers", { images: "NULL::INTEGER" }],
    ["images, as numbers", { images: "NULL::DOUBLE" }],
    ["images, as text", { images: "NULL::VARCHAR" }],
    ["images, as empty lists", { images: "[]::INTEGER[]" }],
    ["images, as empty lists and NULL", { images: "CASE WHEN i = 1 THEN NULL ELSE []::VARCHAR[] END" }],
    ["images, missing", { images: undefined }],
    ["extra_info", { extra_info: "NULL::INTEGER" }],
    ["extra_info.id", { extra_info: "{'id': NULL::DOUBLE, 'image_path': NULL::BOOLEAN}" }],
    ["ability", { ability: "NULL::DOUBLE" }],
    ["answer", { reward_model: struct("'answer': NULL::DOUBLE") }],
    ["accuracy_ratio", { reward_model: struct("'accuracy_ratio': NULL::VARCHAR") }],
    ["verifier_parm", { reward_model: struct("'verifier_parm': NULL::INTEGER") }],
    ["det_reward_ratio", { reward_model: struct("'verifier_parm': {'det_reward_ratio': NULL::INTEGER}") }],
    [
      "every leaf of verifier_parm",
      {
        reward_model: struct(
          "'verifier_parm': {'det_verifier_normalized': NULL::INTEGER, 'det_reward_ratio': {'map': NULL::INTEGER}}",
        ),
      },
    ],
  ])("is read as missing: %s", async (_, columns) => {
    const samples = await read(await write("empty.parquet", columns));
    expect(samples).toHaveLength(3);
    expect(samples[1]).toMatchObject({
      images: [],
      reward_model: { answer: null, accuracy_ratio: 1, verifier_parm: { det_verifier_normalized: null } },
    });
  });

  it("may be one leaf of pictures", async () => {
    const images = "[{'bytes': NULL::INTEGER, 'path': 'a.png'}]";
    const prompt = "[{'content': '<image>How many?', 'role': 'user'}]";
    const [sample] = await read(await write("paths.parquet", { images, prompt }));
    expect(sample?.images).toEqual([{ bytes: null, path: "a.png" }]);
  });

  it.each([
    ["images", { images: "CASE WHEN i = 2 THEN 'a.png' END" }, "VARCHAR"],
    ["images", { images: "[i]" }, "BIGINT"],
    ["images.bytes", { images: "[{'bytes': CASE WHEN i = 2 THEN 'x' END, 'path': 'a'}]" }, "VARCHAR"],
    ["reward_model.answer", { reward_model: struct("'answer': CASE WHEN i = 2 THEN 1.5 END") }, "DECIMAL(2,1)"],
    ["data_source", { data_source: "NULL::DOUBLE" }, "DOUBLE"],
    ["reward_model", { reward_model: "NULL::INTEGER" }, "INTEGER"],
  ])("is an error of its type if one row has a value, or if it is required: %s", async (field, columns, found) => {
    const path = await write("typed.parquet", columns);
    await expect(read(path)).rejects.toMatchObject({
      code: "wrong-type",
      field,
      found: expect.stringContaining(found),
    });
    await expect(openSampleSet(path)).rejects.toMatchObject({ code: "wrong-type", field });
  });
});

it("reads ids that pandas made numbers with a fraction", async () => {
  const id = "{'id': CASE WHEN i = 1 THEN NULL WHEN i = 2 THEN 2.5::DOUBLE ELSE 9007199254740991::DOUBLE END}";
  const samples = await read(await write("ids.parquet", { extra_info: id }));
  expect(samples.map(({ extra_info }) => extra_info.id)).toEqual(["9007199254740991", null, "2.5"]);
});

it("reads the file that was named", async () => {
  const names = ["c1", "c[1]", "what?", "all*", "t2 [b]/x", "lr=1e-6/data_source=no/x"];
  for (const name of names) await write(`paths/${name}.parquet`, { data_source: literal(name) });
  for (const name of names) {
    const [sample] = await read(join(root, `paths/${name}.parquet`));
    expect(sample?.data_source).toBe(name);
  }
  expect(await read(join(root, "paths/t2 [b]"))).toHaveLength(3);
  expect(await read(join(root, "paths/t2 [b]/*.parquet"))).toHaveLength(3);
  const sources = new Set((await read(join(root, "paths"))).map(({ data_source }) => data_source));
  expect([...sources].sort()).toEqual(["all*", "c1", "c[1]", "what?"]);
});

it("takes a source that is only in the folder's name", async () => {
  await write("hive/data_source=my%20own/x.parquet", { data_source: undefined });
  const samples = await read(join(root, "hive/**/*.parquet"));
  expect(samples[0]?.data_source).toBe("my own");
  await expect(read(join(root, "hive"))).rejects.toMatchObject({
    found: expect.stringContaining("data_source=my%20own"),
  });
});

it.each([
  { Data_Source: "'other'", data_soXrce: "'mine'", data_source: undefined },
  { data_soXrce: "'mine'", Data_Source: "'other'", data_source: undefined },
])("tells columns apart that differ in case: %j", async (columns) => {
  const path = await write("case.parquet", { ...columns, extra_info: "{'ID': 7, 'iX': 'a'}" });
  renameColumn(path, "data_soXrce", "data_source");
  renameColumn(path, "iX", "id");
  expect(await read(path)).toMatchObject([
    { data_source: "mine", extra_info: { id: "a" } },
    { data_source: "mine" },
    { data_source: "mine" },
  ]);
});

it("says that a file is a Git LFS pointer", async () => {
  const path = join(root, "pointer.parquet");
  writeFileSync(path, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
  const error = (await read(path).catch((reason: unknown) => reason)) as DatasetError;
  expect(error).toMatchObject({
    code: "not-parquet",
    found: expect.stringContaining("Git LFS"),
    fix: expect.stringContaining("git lfs pull"),
  });
});
