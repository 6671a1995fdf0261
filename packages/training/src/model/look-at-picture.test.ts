import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Processor, type RgbImage, createProcessor, encodePng } from "@v-triune/policy";
import { type PreparedPrompt, createPromptMaker, createRandom } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tinyRun } from "../testing/tiny-run";
import { lookAtPictures } from "./look-at-picture";

const folder = mkdtempSync(join(tmpdir(), "v-triune-look-at-"));
let processor: Processor;
beforeAll(async () => {
  const { model } = await tinyRun(folder, "run", 1);
  processor = createProcessor(model.init === "random" ? model.tokenizer : model.path);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every pixel another color. */
function picture(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
  return { width, height, data };
}

/** The pixels from (x, y) on. */
function part({ width, data }: RgbImage, x: number, y: number, w: number, h: number): RgbImage {
  const rows = Array.from({ length: h }, (_, row) =>
    data.subarray(3 * ((y + row) * width + x), 3 * ((y + row) * width + x + w)),
  );
  return { width: w, height: h, data: Uint8Array.from(rows.flatMap((row) => [...row])) };
}

async function promptOf(stored: RgbImage, lookAt: unknown): Promise<PreparedPrompt> {
  const make = createPromptMaker({ processor, pool: null, maxPromptTokens: null });
  const sample = {
    data_source: "s",
    images: [{ bytes: await encodePng(stored), path: null }],
    prompt: [{ role: "user", content: "<image>What?" }],
    reward_model: { verifier: "answer", verifier_parm: lookAt === undefined ? {} : { look_at: lookAt } },
  } as unknown as Sample;
  return make(sample, "s/1", createRandom(1));
}

it("shows what a sample says to look at, from its stored pixels, under the same words", async () => {
  const stored = picture(200, 100);
  const whole = await promptOf(stored, undefined);
  const [untold, one, two, tiny] = await lookAtPictures(
    [
      whole,
      await promptOf(stored, [[500, 200, 900, 800]]),
      // The smallest box that holds both.
      await promptOf(stored, [
        [500, 200, 600, 300],
        [800, 700, 900, 800],
      ]),
      await promptOf(stored, [[995, 0, 1000, 10]]),
    ],
    processor,
  );
  expect(untold).toBeUndefined();
  const expected = await processor.encode(whole.text, [part(stored, 100, 20, 80, 60)]);
  expect(one).toEqual({ promptIds: expected.promptIds, images: expected.images });
  expect(two).toEqual(one);
  const corner = await processor.encode(whole.text, [part(stored, 172, 0, 28, 28)]);
  expect(tiny).toEqual({ promptIds: corner.promptIds, images: corner.images });
});

it("cuts the picture of a prompt with many answers once", async () => {
  const prompt = await promptOf(picture(60, 60), [[0, 0, 500, 500]]);
  const [first, second] = await lookAtPictures([prompt, prompt], processor);
  expect(second).toBe(first);
});
