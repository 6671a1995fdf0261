/**
 * The image processor against a folder made by transformers and Pillow: cases.json {processor_defaults, cases, multi},
 * pixels.safetensors, smart_resize.json, pictures under synthetic/ or in the shared root.
 *
 * Tolerances: grids, resized sizes and errors exact; decoded and resized pixels one gray level; pixel_values 1e-6 where
 * the resized pixels are equal, 0.016 (one level) where they are not.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { RgbImage } from "../image-processor/bicubic-resize";
import { JsonReader } from "../config/json-reader";
import { modelFamilies } from "../families/model-families";
import {
  imageSettingsOf,
  QWEN2_IMAGE_SETTINGS,
  type GridThw,
  type ImageProcessor,
  type ImageProcessorSettings,
} from "../image-processor/image-processor";
import { smartResize } from "../image-processor/smart-resize";
import { ImageError, ParityError } from "../input-error";
import { type SafetensorsReader } from "../safetensors/reader";
import { largestDifference, ParityLedger, type ParityCheck, type ParityRow } from "./parity";
import { findPicture, folderOf, peekJson, readReference } from "./reference-files";
import { decodeImage } from "../folder/decode-image";
import { folderFiles } from "../folder/folder-files";
import { createImageProcessor, openSafetensors } from "../folder/read-model";

interface ImageCase {
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly min_pixels: number;
  readonly max_pixels: number;
  readonly rgb_sha256?: string;
  readonly rgb_first_pixels?: readonly (readonly number[])[];
  readonly rgb_mean?: readonly number[];
  readonly error?: string;
  readonly key?: string;
  readonly image_grid_thw?: readonly GridThw[];
  readonly resized?: readonly [number, number];
  readonly num_image_tokens?: number;
}

interface ImageCases {
  /** One of the two, with the layout of preprocessor_config.json. Sizes are those of each case. */
  readonly processor_defaults?: unknown;
  readonly published_settings?: unknown;
  readonly family?: string;
  readonly cases: readonly ImageCase[];
  readonly multi?: {
    readonly images: readonly string[];
    readonly min_pixels: number;
    readonly max_pixels: number;
    readonly image_grid_thw: readonly GridThw[];
    readonly pixel_values_shape: readonly number[];
  };
}

interface ResizeCases {
  readonly cases: readonly {
    readonly height: number;
    readonly width: number;
    readonly factor: number;
    readonly min_pixels: number;
    readonly max_pixels: number;
    readonly result?: readonly number[];
    readonly error?: string;
  }[];
}

const ONE_LEVEL = 0.016;

/** The check for `npm run parity`. */
export const imageProcessorParity: ParityCheck = {
  name: "image processor",
  recognize: (path) => {
    const folder = folderOf(path);
    if (folder === undefined) return false;
    const cases = peekJson(join(folder, "cases.json"));
    return (
      (Array.isArray(cases?.["cases"]) && (cases["processor_defaults"] ?? cases["published_settings"]) !== undefined) ||
      isResizeFile(join(folder, "smart_resize.json"))
    );
  },
  check: checkImageProcessor,
};

function isResizeFile(file: string): boolean {
  const cases = peekJson(file)?.["cases"];
  return Array.isArray(cases) && typeof (cases[0] as { factor?: unknown } | undefined)?.factor === "number";
}

/**
 * Pictures that are neither in the folder nor in a shared root above it are counted as skipped.
 *
 * @throws ParityError when a file of the folder is malformed
 */
export async function checkImageProcessor(path: string): Promise<ParityRow[]> {
  const folder = folderOf(path) ?? path;
  const ledger = new ParityLedger();
  const resizeFile = join(folder, "smart_resize.json");
  if (existsSync(resizeFile)) compareSizes(ledger, readReference<ResizeCases>(resizeFile, ["cases"]));
  const caseFile = join(folder, "cases.json");
  if (!existsSync(caseFile)) return ledger.rows();
  const { cases, multi, family } = readReference<ImageCases>(caseFile, ["cases"]);
  const settings = settingsOf(caseFile);
  const known = modelFamilies.find(({ modelType }) => modelType === family);
  if (known)
    ledger.exact(
      "published settings of the family",
      JSON.stringify(Object.entries({ ...settings, maxPixels: 0 }).sort()) ===
        JSON.stringify(Object.entries({ ...known.imageSettings, maxPixels: 0 }).sort()),
      known.title,
    );
  const pixelFile = join(folder, "pixels.safetensors");
  const pixels = existsSync(pixelFile) ? openSafetensors(pixelFile) : undefined;
  let absent = 0;
  try {
    for (const one of cases) {
      const picture = findPicture(folder, one.image);
      if (picture === undefined) absent++;
      else await comparePicture(ledger, one, { picture, pixels, settings });
    }
    if (multi) await compareSeveral(ledger, folder, multi, settings);
  } finally {
    pixels?.close();
  }
  if (absent > 0)
    ledger.skip(
      "resized pixels (gray levels)",
      `${absent} of ${cases.length} cases left out: their pictures are not here`,
    );
  return ledger.rows();
}

/** What the folder's processor is set to, sizes aside. */
function settingsOf(caseFile: string): ImageProcessorSettings {
  const reader = JsonReader.open(
    folderFiles(dirname(caseFile)),
    basename(caseFile),
    "make it again with the generate.py of its layout",
  );
  const settings = reader.child("published_settings") ?? reader.child("processor_defaults");
  return settings ? imageSettingsOf(settings, QWEN2_IMAGE_SETTINGS) : QWEN2_IMAGE_SETTINGS;
}

function compareSizes(ledger: ParityLedger, { cases }: ResizeCases): void {
  for (const { height, width, factor, min_pixels: minPixels, max_pixels: maxPixels, result, error } of cases) {
    let found: readonly number[] | undefined;
    try {
      const size = smartResize(height, width, { factor, minPixels, maxPixels });
      found = [size.height, size.width];
    } catch (thrown) {
      if (!(thrown instanceof ImageError)) throw thrown;
    }
    ledger.exact(
      "sizes of smart_resize",
      JSON.stringify(found) === JSON.stringify(error === undefined ? result : undefined),
      `${width} x ${height}, factor ${factor}, ${minPixels}..${maxPixels} pixels`,
    );
  }
}

async function comparePicture(
  ledger: ParityLedger,
  one: ImageCase,
  {
    picture,
    pixels,
    settings,
  }: {
    readonly picture: string;
    readonly pixels: SafetensorsReader | undefined;
    readonly settings: ImageProcessorSettings;
  },
): Promise<void> {
  const where = `${one.image} (${one.min_pixels}..${one.max_pixels})`;
  let image: RgbImage;
  try {
    // The reference opens pictures with Image.open, which leaves the EXIF orientation alone.
    image = await decodeImage(picture, { orientation: "ignore" });
  } catch (thrown) {
    if (!(thrown instanceof ImageError)) throw thrown;
    ledger.exact("pictures that are refused", one.error !== undefined, where);
    return;
  }
  compareDecoded(ledger, one, image, where);
  const processor = createImageProcessor({ ...settings, minPixels: one.min_pixels, maxPixels: one.max_pixels });
  let grid: GridThw | undefined;
  try {
    grid = processor.grid(image.width, image.height);
  } catch (thrown) {
    if (!(thrown instanceof ImageError)) throw thrown;
  }
  ledger.exact("pictures that are refused", (grid === undefined) === (one.error !== undefined), where);
  if (grid === undefined || one.error !== undefined) return;
  ledger.exact("grids", JSON.stringify([grid]) === JSON.stringify(one.image_grid_thw), where);
  if (one.num_image_tokens !== undefined)
    ledger.exact("tokens of pictures", processor.tokens(grid) === one.num_image_tokens, where);
  if (pixels && one.key !== undefined) comparePixels(ledger, { key: one.key, image, processor, pixels, where });
}

function compareDecoded(ledger: ParityLedger, one: ImageCase, image: RgbImage, where: string): void {
  ledger.exact("sizes of pictures", image.width === one.width && image.height === one.height, where);
  if (one.rgb_sha256 !== undefined && createHash("sha256").update(image.data).digest("hex") === one.rgb_sha256) {
    ledger.compare("decoded pixels (gray levels)", 0, 1, where);
    return;
  }
  // Not the same bytes: the first pixels and the means say by how much.
  const first = largestDifference(
    image.data.subarray(0, 3 * (one.rgb_first_pixels?.length ?? 0)),
    (one.rgb_first_pixels ?? []).flat(),
  );
  const means = [0, 0, 0];
  for (let i = 0; i < image.data.length; i++) means[i % 3]! += image.data[i]! / (image.data.length / 3);
  ledger.compare(
    "decoded pixels (gray levels)",
    Math.max(first.error, largestDifference(means, one.rgb_mean ?? means).error),
    1,
    where,
  );
}

interface ProcessedPicture {
  readonly key: string;
  readonly image: RgbImage;
  readonly processor: ImageProcessor;
  readonly pixels: SafetensorsReader;
  readonly where: string;
}

function comparePixels(ledger: ParityLedger, { key, image, processor, pixels, where }: ProcessedPicture): void {
  const { pixelValues } = processor.processDecoded([image]);
  const rowLength = pixelValues.length / gridPatches(processor, image);
  const { patchSize, temporalPatchSize } = processor.settings;
  const expected = pixels.readBytes(`${key}/u8.pil`);
  const actual = patchBytes(pixelValues, rowLength, patchSize * patchSize, temporalPatchSize, processor);
  const levels = largestDifference(actual, expected);
  ledger.compare("resized pixels (gray levels)", levels.error, 1, `${where}, byte ${levels.index}`);
  let sum = 0;
  for (let i = 0; i < expected.length; i++) sum += Math.abs(actual[i]! - expected[i]!);
  ledger.compare("resized pixels (mean difference)", sum / expected.length, 0.01, where);

  const full = `${key}/pixel_values`;
  const some = `${full}.rows_0_1_last`;
  const last = pixelValues.length - rowLength;
  const name = pixels.has(full) ? full : pixels.has(some) ? some : undefined;
  if (name === undefined) return;
  const values =
    name === full
      ? pixelValues
      : Float32Array.of(...pixelValues.subarray(0, 2 * rowLength), ...pixelValues.subarray(last));
  const { error, index } = largestDifference(values, pixels.readFloat32(name));
  const equal = levels.error === 0;
  ledger.compare(
    equal ? "pixel_values" : "pixel_values of pictures with other pixels",
    error,
    equal ? 1e-6 : ONE_LEVEL,
    `${where}, value ${index}`,
  );
}

function gridPatches(processor: ImageProcessor, image: RgbImage): number {
  const [t, h, w] = processor.grid(image.width, image.height);
  return t * h * w;
}

/** Undoes the normalization and keeps one temporal slice: [patches, 3, patch · patch] bytes. */
function patchBytes(
  pixelValues: Float32Array,
  rowLength: number,
  plane: number,
  slices: number,
  processor: ImageProcessor,
): Uint8Array {
  const { mean, std, rescaleFactor } = processor.settings;
  const rows = pixelValues.length / rowLength;
  const out = new Uint8Array(pixelValues.length / slices);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let channel = 0; channel < 3; channel++) {
      const start = row * rowLength + channel * slices * plane;
      for (let i = 0; i < plane; i++)
        out[at++] = Math.round((pixelValues[start + i]! * std[channel]! + mean[channel]!) / rescaleFactor);
    }
  }
  return out;
}

/** Several pictures in one call are the single results one after another. */
async function compareSeveral(
  ledger: ParityLedger,
  folder: string,
  multi: NonNullable<ImageCases["multi"]>,
  settings: ImageProcessorSettings,
): Promise<void> {
  const pictures = multi.images.map((image) => findPicture(folder, image));
  const quantity = "several pictures in one call";
  if (pictures.some((picture) => picture === undefined)) {
    ledger.skip(quantity, "their pictures are not here");
    return;
  }
  const processor = createImageProcessor({ ...settings, minPixels: multi.min_pixels, maxPixels: multi.max_pixels });
  const paths = pictures.map((picture) => {
    if (picture === undefined)
      throw new ParityError({ what: "A picture disappeared while it was in use.", where: folder });
    return picture;
  });
  const { pixelValues, gridThw } = await processor.process(paths, { orientation: "ignore" });
  const singles = await Promise.all(
    paths.map(async (path) => (await processor.process([path], { orientation: "ignore" })).pixelValues),
  );
  const joined = Float32Array.from(singles.flatMap((values) => [...values]));
  const shape = [multi.pixel_values_shape[0]!, multi.pixel_values_shape[1]!];
  ledger.exact(
    quantity,
    JSON.stringify(gridThw) === JSON.stringify(multi.image_grid_thw) &&
      pixelValues.length === shape[0]! * shape[1]! &&
      largestDifference(pixelValues, joined).error === 0,
    multi.images.join(", "),
  );
}
