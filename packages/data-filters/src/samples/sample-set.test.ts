import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError, emptyVerifierParm, type Sample } from "@v-triune/schema";
import { afterAll, describe, expect, it } from "vitest";
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
    answer: "3", ground_truth: "\\boxed{3}", accuracy_ratio: 1, format_ratio: 0, verifier: "mathverify", verifier_parm: emptyVerifierParm(),
  },
  extra_info: { id, image_path: null },
});

describe("openSampleSet", () => {
  it("reads rows of several files in the order asked for, twice the same row too", async () => {
    await writeSamples(join(folder, "train_counting_a_3.parquet"), ["a0", "a1", "a2"].map((id) => sample("a", id)));
    await writeSamples(join(folder, "train_counting_b_2.parquet"), ["b0", "b1"].map((id) => sample("b", id)));
    const set = await openSampleSet(join(folder, "train_*.parquet"));
    expect(set.length).toBe(5);
    expect([0, 2, 3, 4].map((index) => set.sourceOf(index))).toEqual(["a", "a", "b", "b"]);
    const rows = await set.read([4, 1, 4, 0]);
    expect(rows.map((row) => (row instanceof DatasetError ? row : row.extra_info.id))).toEqual(["b1", "a1", "b1", "a0"]);
    const [row] = rows;
    if (row === undefined || row instanceof DatasetError) throw new Error("a good row");
    expect([...(row.images[0]?.bytes ?? [])]).toEqual([1, 2, 3]);
    expect(set.placeOf(3)).toEqual({ file: join(folder, "train_counting_b_2.parquet"), row: 0 });
    await expect(set.read([5])).rejects.toThrow(RangeError);
    set.close();
  });

  it("gives a bad row as its error, and names a file that is no Parquet", async () => {
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
    await expect(openSampleSet(join(folder, "none-*.parquet"))).rejects.toThrow("nothing there");
  });
});
