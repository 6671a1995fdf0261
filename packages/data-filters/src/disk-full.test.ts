/** Everything that writes, on a disk that gets full while it does: a typed error, and nothing is left. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emptyVerifierParm, type Sample } from "@v-triune/schema";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { filterParquet } from "./rules/filter-parquet";
import { openSampleSet } from "./samples/sample-set";
import type { RowStoreNotice } from "./samples/row-stores";
import { writeSamples } from "./samples/write-samples";
import { mountSmallDisk } from "./testing/faults";

const root = mkdtempSync(join(tmpdir(), "disk-full-"));
const disk = join(root, "disk");
const mounted = mountSmallDisk(disk, 4);
afterAll(() => {
  mounted.unmount();
  rmSync(root, { recursive: true, force: true });
});

const noise = randomBytes(2_000_000);
const sample = (i: number): Sample => ({
  data_source: "mine",
  // Bytes that no compression makes smaller.
  images: [{ bytes: noise.subarray(i, i + 20_000), path: null }],
  prompt: [{ content: `<image>How many are in row ${i}?`, role: "user" }],
  ability: "math",
  reward_model: {
    answer: `${i}`,
    ground_truth: `\\boxed{${i}}`,
    accuracy_ratio: 1,
    format_ratio: 0,
    verifier: "mathverify",
    verifier_parm: emptyVerifierParm(),
  },
  extra_info: { id: `${i}`, image_path: null },
});
const samples = Array.from({ length: 1000 }, (_, i) => sample(i * 1000));
async function* streamed(): AsyncGenerator<Sample> {
  yield* samples;
}

const large = join(root, "large.parquet");
beforeAll(async () => void (await writeSamples(large, samples)));

describe("a disk that gets full", () => {
  beforeEach((context) => {
    if (mounted.fault !== undefined) context.skip(mounted.fault);
  });

  it.each([
    ["an array of samples", () => writeSamples(join(disk, "out.parquet"), samples)],
    ["samples that arrive over time", () => writeSamples(join(disk, "out.parquet"), streamed())],
    [
      "rows of a filtered file",
      () =>
        filterParquet(large, join(disk, "out.parquet"), {
          rules: [{ rule: "none", sql: "false", reason: "none" }],
          columns: { task: "'math'", source: "data_source" },
        }),
    ],
  ])("stops the writing of %s", async (_, write) => {
    await expect(write()).rejects.toMatchObject({
      name: "DatasetError",
      code: "write-failed",
      fix: expect.stringContaining("free space"),
    });
    expect(readdirSync(disk)).toEqual([]);
    expect(readdirSync(root).sort()).toEqual(["disk", "large.parquet"]);
  });

  it("leaves a set readable without the copy of its rows, and says so", async () => {
    const notices: RowStoreNotice[] = [];
    const set = await openSampleSet(large, {
      rowStore: { folder: join(disk, "rows"), smallest: 0, tell: (notice) => notices.push(notice) },
    });
    try {
      expect(await set.read([3, 999])).toMatchObject([
        { extra_info: { id: "3000" } },
        { extra_info: { id: "999000" } },
      ]);
    } finally {
      set.close();
    }
    expect(notices.map(({ kind }) => kind)).toContain("warning");
    expect(readdirSync(disk, { recursive: true }).filter((name) => String(name).includes("parquet"))).toEqual([]);
  });
});
