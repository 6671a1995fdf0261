import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatasetError, emptyVerifierParm, type Sample } from "@v-triune/schema";
import { afterAll, describe, expect, it } from "vitest";
import type { RowStoreNotice } from "./row-stores";
import { openSampleSet } from "./sample-set";
import { writeSamples } from "./write-samples";

const folder = mkdtempSync(join(tmpdir(), "sample-set-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sample = (source: string, id: string): Sample => ({
  data_source: source,
  images: [{ bytes: new Uint8Array([1, 2, 3]), path: null }],
  prompt: [{ role: "user", content: "<image>How many?" }],
  ability: "counting",
  reward_model: {
    answer: "3",
    ground_truth: "\\boxed{3}",
    accuracy_ratio: 1,
    format_ratio: 0,
    verifier: "mathverify",
    verifier_parm: emptyVerifierParm(),
  },
  extra_info: { id, image_path: null },
});

describe("openSampleSet", () => {
  it("reads rows of several files in the order asked for, twice the same row too", async () => {
    await writeSamples(
      join(folder, "train_counting_a_3.parquet"),
      ["a0", "a1", "a2"].map((id) => sample("a", id)),
    );
    await writeSamples(
      join(folder, "train_counting_b_2.parquet"),
      ["b0", "b1"].map((id) => sample("b", id)),
    );
    const set = await openSampleSet(join(folder, "train_*.parquet"));
    expect(set.length).toBe(5);
    expect([0, 2, 3, 4].map((index) => set.sourceOf(index))).toEqual(["a", "a", "b", "b"]);
    const rows = await set.read([4, 1, 4, 0]);
    expect(rows.map((row) => (row instanceof DatasetError ? row : row.extra_info.id))).toEqual([
      "b1",
      "a1",
      "b1",
      "a0",
    ]);
    const [row] = rows;
    if (row === undefined || row instanceof DatasetError) throw new Error("a good row");
    expect([...(row.images[0]?.bytes ?? [])]).toEqual([1, 2, 3]);
    expect(set.placeOf(3)).toEqual({ file: join(folder, "train_counting_b_2.parquet"), row: 0 });
    await expect(set.read([5])).rejects.toThrow(RangeError);
    set.close();
  });

  it("returns the error of a bad row, and names a file that is not Parquet", async () => {
    const bad = sample("a", "x");
    bad.reward_model.verifier = "nobody";
    const path = join(folder, "bad.parquet");
    await writeSamples(path, [sample("a", "ok"), bad], { verifiers: ["mathverify", "nobody"] });
    const set = await openSampleSet(path);
    const [good, wrong] = await set.read([0, 1]);
    expect(good).not.toBeInstanceOf(DatasetError);
    expect(wrong).toBeInstanceOf(DatasetError);
    expect((wrong as DatasetError).message).toContain("row 1, field reward_model.verifier");
    set.close();
    writeFileSync(join(folder, "broken.parquet"), "no Parquet at all");
    await expect(openSampleSet(join(folder, "broken.parquet"))).rejects.toThrow(DatasetError);
    await expect(openSampleSet(join(folder, "none-*.parquet"))).rejects.toThrow("no such file");
  });
});

describe("openSampleSet with a row store", () => {
  const data = join(folder, "stored");
  const files = [join(data, "a.parquet"), join(data, "b.parquet")];
  const order = [7, 0, 3, 3, 11, 9];

  async function make(): Promise<void> {
    mkdirSync(data, { recursive: true });
    const pictures = (id: number): Sample => ({
      ...sample(id % 2 ? "a" : "b", `${id}`),
      images: [
        { bytes: new Uint8Array(1000 + id).fill(id), path: null },
        { bytes: null, path: `${id}.png` },
      ],
      prompt: [{ role: "user", content: "<image><image>Which?" }],
    });
    await writeSamples(files[0] as string, [0, 1, 2, 3, 4].map(pictures), { overwrite: true });
    const wrong = pictures(9);
    wrong.reward_model.verifier = "nobody";
    await writeSamples(files[1] as string, [...[5, 6, 7, 8].map(pictures), wrong, ...[10, 11].map(pictures)], {
      verifiers: ["mathverify", "nobody"],
      overwrite: true,
    });
  }

  async function readStored(store: string, notices: RowStoreNotice[] = [], smallest = 0) {
    const set = await openSampleSet(data, {
      rowStore: { folder: store, smallest, tell: (notice) => notices.push(notice) },
    });
    try {
      return { rows: await set.read(order), again: await set.read([...order].reverse()), notices };
    } finally {
      set.close();
    }
  }

  async function readPlain() {
    const set = await openSampleSet(data);
    try {
      return await set.read(order);
    } finally {
      set.close();
    }
  }

  const stored = (store: string) =>
    readdirSync(store)
      .sort()
      .map((name) => join(store, name));

  it("gives the rows and errors that Parquet gives, and reports the copy once", async () => {
    await make();
    const expected = await readPlain();
    expect(expected.filter((row) => row instanceof DatasetError)).toHaveLength(1);
    const store = join(folder, "store-same");
    const first = await readStored(store);
    expect(first.rows).toEqual(expected);
    expect(first.again).toEqual([...expected].reverse());
    expect(first.notices).toEqual([
      { kind: "copying", message: expect.stringContaining(`of rows to ${store}, once`) as unknown },
    ]);
    const made = stored(store).map((path) => statSync(path).ino);
    expect(made).toHaveLength(2);
    const second = await readStored(store);
    expect([second.rows, second.notices]).toEqual([expected, []]);
    expect(stored(store).map((path) => statSync(path).ino)).toEqual(made);
    // Two at once: both read, both leave whole files and nothing else.
    const both = join(folder, "store-both");
    for (const { rows } of await Promise.all([readStored(both), readStored(both)])) expect(rows).toEqual(expected);
    expect(stored(both).map((path) => basename(path))).toEqual(stored(store).map((path) => basename(path)));
    expect(await readStored(both)).toMatchObject({ rows: expected, notices: [] });
  });

  it("makes a store again that is cut off, has other bytes, or is of an earlier state of the file", async () => {
    await make();
    const expected = await readPlain();
    const store = join(folder, "store-again");
    await readStored(store);
    const [a, b] = stored(store) as [string, string];
    truncateSync(a, statSync(a).size - 5);
    writeFileSync(b, "something else");
    const { rows, notices } = await readStored(store);
    expect([rows, notices.map(({ kind }) => kind)]).toEqual([expected, ["copying"]]);
    // Not their bytes: V8 serializes equal arrays in two ways, by how they came to be.
    expect(stored(store)).toEqual([a, b]);
    expect(await readStored(store)).toMatchObject({ rows: expected, notices: [] });
    utimesSync(files[0] as string, 1e9, 1e9);
    expect((await readStored(store)).notices).toHaveLength(1);
    const after = stored(store);
    expect(after).toHaveLength(2);
    expect(after).toContain(b);
    expect(after).not.toContain(a);
  });

  it("removes what a killed process left more than a day ago, and leaves what another may be writing", async () => {
    await make();
    const store = join(folder, "store-leftovers");
    await readStored(store);
    const [a] = stored(store) as [string, string];
    const [old, recent] = ["1", "2"].map((pid) => join(store, `.${basename(a)}.tmp-${pid}-0a1b2c`)) as [string, string];
    for (const path of [old, recent]) writeFileSync(path, "half");
    utimesSync(old, 1e9, 1e9);
    rmSync(a);
    await readStored(store);
    expect([a, old, recent].map((path) => existsSync(path))).toEqual([true, false, true]);
  });

  it("reads from Parquet if the folder cannot be written, the copy is removed or the set is small", async () => {
    await make();
    const expected = await readPlain();
    const blocked = join(folder, "no-folder");
    writeFileSync(blocked, "");
    const { rows, notices } = await readStored(blocked);
    expect(rows).toEqual(expected);
    expect(notices).toEqual([
      {
        kind: "warning",
        message: expect.stringMatching(/^Rows are read from Parquet, .*no-folder.*V_TRIUNE_CACHE_DIR/) as unknown,
      },
    ]);

    const store = join(folder, "store-gone");
    const gone: RowStoreNotice[] = [];
    const set = await openSampleSet(data, {
      rowStore: { folder: store, smallest: 0, tell: (notice) => gone.push(notice) },
    });
    await set.read([0]);
    rmSync(store, { recursive: true });
    expect(await set.read(order)).toEqual(expected);
    expect(await set.read(order)).toEqual(expected);
    set.close();
    expect(gone.map(({ kind }) => kind)).toEqual(["copying", "warning", "warning"]);

    const small = await readStored(join(folder, "store-small"), [], 1e6);
    expect([small.rows, small.notices]).toEqual([expected, []]);
    expect(existsSync(join(folder, "store-small"))).toBe(false);
  });
});
