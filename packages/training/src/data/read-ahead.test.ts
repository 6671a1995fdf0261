import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RowStoreNotice, readSamples, writeSamples } from "@v-triune/data-filters";
import { createProcessor } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configuredPromptMaker } from "./configured-prompt-maker";
import type { TrainingConfig } from "../config/training-config";
import { tinyRun } from "../testing/tiny-run";
import { type TrainingSource, openTrainingSource } from "./training-data";
import { openDataThread } from "./open-data-thread";
import { readAhead } from "./read-ahead";

let folder: string;
let config: TrainingConfig;
let processorFolder: string;
const verifiers = ["mathverify", "detection"];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-ahead-"));
  const run = await tinyRun(folder, "run", 3);
  processorFolder = join(folder, "model");
  // Some of the demonstration's prompts are longer than this.
  config = { ...run, strict: false, rollout: { ...run.rollout, maxPromptTokens: 24 } };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function openHere(over: Partial<TrainingConfig> = {}): Promise<TrainingSource> {
  const own = { ...config, ...over };
  return openTrainingSource({
    sets: own.data.train,
    seed: own.run.seed,
    makePrompt: await configuredPromptMaker(own, createProcessor(processorFolder)),
    verifiers,
    strict: own.strict,
  });
}

const plain = (prompts: readonly PreparedPrompt[]) =>
  prompts.map(({ id, text, promptIds, images }) => ({
    id,
    text,
    ids: [...promptIds],
    pixels: images ? Array.from(images.pixelValues.subarray(0, 50)) : null,
    grid: images?.gridThw,
  }));

describe("training data", () => {
  it("is the same from a thread that reads ahead, over epochs, other counts and a way back", async () => {
    const rows: [string[], string[]] = [[], []];
    const here = readAhead(await openHere(), (message) => rows[0].push(message), 0);
    const thread = readAhead(await openDataThread({ config, processorFolder, verifiers }), (message) =>
      rows[1].push(message),
    );
    expect(thread.length).toBe(here.length);
    expect(thread.sources).toEqual(here.sources);
    for (const count of [5, 5, 3, 11, 5, 5]) {
      const [expected, found] = [await here.next(count), await thread.next(count)];
      expect(plain(found)).toEqual(plain(expected));
      expect(thread.place).toEqual(here.place);
    }
    expect(here.place.position).toBeGreaterThan(here.length);
    expect(rows[0].length).toBeGreaterThan(0);
    expect(rows[1]).toEqual(rows[0]);
    for (const data of [here, thread]) data.place = { position: 2 };
    expect(plain(await thread.next(5))).toEqual(plain(await here.next(5)));
    const [picture] = (await thread.next(5)).flatMap(({ images }) => images ?? []);
    expect(picture?.pixelValues.buffer).toBeInstanceOf(SharedArrayBuffer);
    for (const data of [here, thread]) data.close();
  });

  it("copies a large set once and gives the same prompts from the copy", async () => {
    const large = join(folder, "large.parquet");
    async function* padded(): AsyncGenerator<Sample> {
      // Decoders stop at a picture's end; what follows makes the set large.
      for await (const sample of readSamples(config.data.train.map(({ path }) => path)))
        yield {
          ...sample,
          images: sample.images.map(({ bytes, path }) => ({
            bytes: bytes && Buffer.concat([bytes, randomBytes(rowBytes)]),
            path,
          })),
        };
    }
    const here = await openHere();
    const rowBytes = Math.ceil(40e6 / here.length);
    here.close();
    await writeSamples(large, padded());
    const over = { data: { ...config.data, train: [{ path: large, weight: 1, cap: null }] } };
    const before = process.env.V_TRIUNE_CACHE_DIR;
    process.env.V_TRIUNE_CACHE_DIR = join(folder, "copies");
    try {
      const plainSource = await openHere(over);
      const expected = (await plainSource.batch(0, 12)).prompts;
      plainSource.close();
      expect(existsSync(join(folder, "copies"))).toBe(false);
      for (const told of [1, 0]) {
        const notices: RowStoreNotice[] = [];
        const thread = await openDataThread({ config: { ...config, ...over }, processorFolder, verifiers }, (notice) =>
          notices.push(notice),
        );
        expect(plain((await thread.batch(0, 12)).prompts)).toEqual(plain(expected));
        thread.close();
        expect(notices.map(({ kind }) => kind)).toEqual(Array(told).fill("copying"));
        expect(readdirSync(join(folder, "copies", "rows"))).toEqual([
          expect.stringMatching(/^large\.parquet-.*\.rows$/),
        ]);
      }
    } finally {
      if (before === undefined) delete process.env.V_TRIUNE_CACHE_DIR;
      else process.env.V_TRIUNE_CACHE_DIR = before;
    }
  });

  it("prepares one batch ahead and no more, and tells its error when it is asked for", async () => {
    const asked: number[] = [];
    const source: TrainingSource = {
      length: 100,
      sources: [],
      rows: { sources: [], sourceOf: new Uint16Array(100), entries: new Uint16Array(100) },
      prompts: async () => [],
      close: () => undefined,
      async batch(position, count) {
        asked.push(position);
        if (position === 8) throw new Error("row 9 is bad");
        return { prompts: [], position: position + count, badRows: [] };
      },
    };
    const data = readAhead(source, () => undefined);
    await data.next(4);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(asked).toEqual([0, 4]);
    await data.next(4);
    expect(asked).toEqual([0, 4, 8]);
    await expect(data.next(4)).rejects.toThrow("row 9");
    expect(data.place.position).toBe(8);
    expect(asked).toEqual([0, 4, 8]);
  });

  it("names what can't be opened or prepared, as it does without a thread", async () => {
    const missing = {
      ...config,
      data: { ...config.data, train: [{ path: join(folder, "none.parquet"), weight: 1, cap: null }] },
    };
    const strict = { ...config, strict: true };
    for (const [bad, count] of [
      [missing, 0],
      [strict, 60],
    ] as const) {
      const messages: string[] = [];
      for (const open of [() => openHere(bad), () => openDataThread({ config: bad, processorFolder, verifiers })]) {
        const error = await open()
          .then(async (source) => source.batch(0, count).finally(() => source.close()))
          .catch((caught: unknown) => caught as Error);
        messages.push(`${(error as Error).name} ${(error as Error).message} ${"fix" in (error as object)}`);
      }
      expect(messages[1]).toBe(messages[0]);
      expect(messages[0]).toContain("true");
    }
  });
});
