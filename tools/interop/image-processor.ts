/**
 * Random settings of image processors and random pictures, of every family, against transformers: odd sizes, extreme
 * ratios, other patches, several frames per patch, tight and impossible limits, both ways in which limits are written.
 *
 *     V_TRIUNE_PYTHON=/path/to/python node tools/run.mjs tools/interop/image-processor.ts [--seed 1] [--count 60]
 *
 * Needs an interpreter with transformers and what it needs for pictures (torch, torchvision, pillow below 13); says so
 * and ends with 0 where they are missing. The product resizes as Pillow 12.2 does; Pillow 13 resizes some
 * pictures in another order, the height before the width.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  createImageProcessor,
  ImageError,
  modelFamilies,
  ModelConfigError,
  openSafetensors,
  readImageSettings,
  type ModelFamily,
} from "@v-triune/policy";
import { createRandom } from "@v-triune/rollouts";
import sharp from "sharp";
import { askPython, needModules } from "./python";

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, count: { type: "string", default: "60" } },
});
needModules("image processors in transformers", "torch", "torchvision", "transformers", "PIL", "safetensors");

const random = createRandom(Number(values.seed), 0);
const unit = (): number => random.int(0, 2 ** 30 - 1) / 2 ** 30;
const below = (limit: number): number => random.int(0, limit - 1);
const oneOf = <T>(list: readonly T[]): T => random.pick(list);
/** A length from 1 on, small ones as likely as large ones. */
const side = (most: number): number => Math.max(1, Math.round(most ** unit()));

/** preprocessor_config.json, or processor_config.json as transformers 5 writes it. */
function writeSettings(folder: string, family: ModelFamily): string {
  const { imageSettings: own } = family;
  const patchSize = oneOf([own.patchSize, own.patchSize, 8, 14, 16]);
  const mergeSize = oneOf([2, 2, 2, 1, 3]);
  const token = (patchSize * mergeSize) ** 2;
  const least = token * (1 + below(12));
  const most = least + token * below(80);
  const triple = () => [0, 1, 2].map(() => 0.2 + 0.5 * unit());
  const size = { shortest_edge: least, longest_edge: most };
  const json = {
    image_processor_type: "Qwen2VLImageProcessor",
    patch_size: patchSize,
    merge_size: mergeSize,
    temporal_patch_size: oneOf([2, 2, 1, 3]),
    image_mean: oneOf([own.mean, triple()]),
    image_std: oneOf([own.std, triple()]),
    ...oneOf([{}, { rescale_factor: oneOf([1 / 255, 1 / 127.5, 0.0039]) }]),
    ...oneOf([{ size }, { min_pixels: least, max_pixels: most }, { size, min_pixels: least, max_pixels: most }]),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "preprocessor_config.json"), JSON.stringify(json));
  return JSON.stringify(json);
}

async function writePicture(path: string): Promise<void> {
  const long = side(700);
  const [width, height] = oneOf([
    [long, side(700)],
    [long, long],
    [long, Math.max(1, Math.round(long / (150 + below(100))))],
    [Math.max(1, Math.round(long / (150 + below(100)))), long],
    [side(40), side(40)],
  ]) as [number, number];
  const channels = oneOf([3, 3, 3, 4, 1] as const);
  const noise = Buffer.from(Uint8Array.from({ length: width * height * channels }, () => below(256)));
  // Half of them smooth, as photographs are.
  const picture = sharp(noise, { raw: { width, height, channels: channels as 3 } });
  const drawn = below(2) === 0 || Math.min(width, height) < 8 ? picture : picture.blur(1 + 3 * unit());
  await (channels === 1 ? drawn.toColourspace("b-w") : drawn).png().toFile(path);
}

const scratch = mkdtempSync(join(tmpdir(), "v-triune-images-"));
try {
  const jobs: { key: string; folder: string; picture: string; family: ModelFamily; settings: string }[] = [];
  for (let i = 0; i < Number(values.count); i++) {
    const family = modelFamilies[i % modelFamilies.length]!;
    const folder = join(scratch, `model-${i}`);
    const settings = writeSettings(folder, family);
    const picture = join(scratch, `picture-${i}.png`);
    await writePicture(picture);
    jobs.push({ key: String(i), folder, picture, family, settings });
  }
  const [list, out] = [join(scratch, "jobs.json"), join(scratch, "out.safetensors")];
  writeFileSync(list, JSON.stringify(jobs.map(({ key, folder, picture }) => ({ key, folder, picture }))));
  const script = resolve(import.meta.dirname, "image-processor/process.py");
  const found = askPython(script, list, out) as Record<string, { grid?: number[]; error?: string }>;
  const reference = openSafetensors(out);
  let [wrong, refused, largest] = [0, 0, 0];
  for (const { key, folder, picture, family, settings } of jobs) {
    const expected = found[key]!;
    let problem: string | undefined;
    try {
      const processor = createImageProcessor(readImageSettings(folder, family.imageSettings));
      const { pixelValues, gridThw } = await processor.process([picture], { orientation: "ignore" });
      if (expected.error !== undefined) problem = `transformers refuses it: ${expected.error}`;
      else if (gridThw[0]!.join() !== expected.grid!.join())
        problem = `grid ${gridThw[0]!.join()}, not ${expected.grid!.join()}`;
      else {
        const reading = reference.readFloat32(key);
        const error = reading.reduce((most, value, i) => Math.max(most, Math.abs(value - pixelValues[i]!)), 0);
        largest = Math.max(largest, error);
        if (reading.length !== pixelValues.length || !(error <= 1e-6)) problem = `pixel_values differ by ${error}`;
      }
    } catch (error) {
      if (!(error instanceof ImageError) && !(error instanceof ModelConfigError)) throw error;
      refused += 1;
      if (expected.error === undefined) problem = `refused: ${error.message.split("\n").join(" ")}`;
    }
    if (problem === undefined) continue;
    wrong += 1;
    const { width, height, channels } = await sharp(picture).metadata();
    console.error(`${family.title}, ${width} x ${height} x ${channels}: ${problem}\n  ${settings}`);
  }
  reference.close();
  console.log(
    `${jobs.length} pictures, ${refused} refused by both sides: ${wrong} different, values by at most ` +
      largest.toExponential(1),
  );
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
