/** Corpus files that are sound at their beginning: every sample of them is read, or an error says why not. */
import { copyFileSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError, emptyVerifierParm, type Sample } from "@v-triune/schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { damageRowGroup, rowGroupCount } from "../testing/faults";
import { readSamples, type ReadSamplesOptions } from "./read-samples";
import { openSampleSet } from "./sample-set";
import { writeSamples } from "./write-samples";

const ROWS = 3072;
const GROUPS = 12;

let folder: string;
let sound: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "samples-late-"));
  sound = join(folder, "sound.parquet");
  await writeSamples(
    sound,
    Array.from({ length: ROWS }, (_, i) => sample(i)),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function sample(i: number, bytes = 2000): Sample {
  return {
    data_source: "mine",
    images: [{ bytes: new Uint8Array(bytes).map((_, k) => (i * 31 + k * k) % 251), path: null }],
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
  };
}

/** A copy of the sound file with a damaged page. */
async function damaged(rowGroup: number, column: string): Promise<string> {
  const file = join(folder, `damaged-${rowGroup}-${column.replace(/\W/g, "")}.parquet`);
  copyFileSync(sound, file);
  await damageRowGroup(file, rowGroup, column);
  return file;
}

async function read(
  file: string,
  options: ReadSamplesOptions = {},
  between: (samples: number) => void = () => {},
): Promise<{ samples: number; error: unknown }> {
  let samples = 0;
  try {
    for await (const { extra_info } of readSamples(file, options)) {
      if (extra_info.id !== `${samples}`) expect.fail(`sample ${extra_info.id} after ${samples} samples`);
      between(samples++);
    }
  } catch (error) {
    return { samples, error };
  }
  return { samples, error: null };
}

describe("readSamples", () => {
  it("reads all samples when nothing is wrong", async () => {
    expect(await rowGroupCount(sound)).toBe(GROUPS);
    for (const threads of [1, 2]) expect(await read(sound, { threads })).toEqual({ samples: ROWS, error: null });
  });

  it.each([0, GROUPS / 2, GROUPS - 1])("throws for a damaged page in row group %i", async (group) => {
    for (const column of ["prompt, list, element, content", "images, list, element, bytes"]) {
      const file = await damaged(group, column);
      for (const threads of [1, 2]) {
        for (const onBadRow of [undefined, () => {}]) {
          const { error, samples } = await read(file, { threads, ...(onBadRow === undefined ? {} : { onBadRow }) });
          // The last row group fails in the middle of the stream.
          if (group === GROUPS - 1 && threads === 1) expect(samples).toBeGreaterThan(0);
          expect(error).toMatchObject({ name: "DatasetError", code: "unreadable", file, found: expect.any(String) });
        }
      }
    }
  });

  it("throws when a late row group does not fit into memory, on any number of threads", async () => {
    const file = join(folder, "heavy.parquet");
    const heavy = (i: number): Sample => sample(i, i < 2560 ? 100 : 1_000_000);
    function* samples(): Generator<Sample> {
      for (let i = 0; i < 2600; i++) yield heavy(i);
    }
    await writeSamples(file, samples());
    for (const memoryLimit of ["20MB", "30MB"]) {
      for (const threads of [1, 2]) {
        const { error } = await read(file, { memoryLimit, threads });
        expect(error).toMatchObject({ code: "unreadable", file, fix: expect.stringContaining("raise memoryLimit") });
      }
    }
    expect(await read(file)).toEqual({ samples: 2600, error: null });
  });

  it.each<[string, (file: string) => void]>([
    ["cut off", (file) => truncateSync(file, statSync(file).size >> 1)],
    ["replaced", (file) => (copyFileSync(sound, `${file}.new`), renameSync(`${file}.new`, file))],
    ["removed", (file) => rmSync(file)],
  ])("throws when the file is %s while it is read", async (name, change) => {
    const file = join(folder, `${name}.parquet`);
    copyFileSync(sound, file);
    const { error } = await read(file, { threads: 1 }, (samples) => {
      if (samples === 0) change(file);
    });
    expect(error).toMatchObject({ name: "DatasetError", code: "unreadable", file });
  });
});

describe("openSampleSet", () => {
  it.each([0, GROUPS / 2, GROUPS - 1])(
    "with a row store throws for a damaged page in row group %i, and keeps no part",
    async (group) => {
      const file = await damaged(group, "prompt, list, element, content");
      const store = mkdtempSync(join(folder, "store-"));
      const set = await openSampleSet(file, { rowStore: { folder: store, smallest: 0 } });
      await expect(set.read([0])).rejects.toMatchObject({ name: "DatasetError", code: "unreadable", file });
      expect(readdirSync(store)).toEqual([]);
      set.close();
    },
  );

  it("without one throws for the rows that are asked for", async () => {
    const file = await damaged(GROUPS - 1, "prompt, list, element, content");
    const set = await openSampleSet(file);
    expect((await set.read([0, 1])).every((row) => !(row instanceof DatasetError))).toBe(true);
    await expect(set.read([ROWS - 1])).rejects.toMatchObject({ name: "DatasetError", file });
    set.close();
  });
});
