/**
 * Pictures → the vision tower's input: decode, resize (smart-resize.ts, bicubic-resize.ts), normalize and cut into
 * patches (patches.ts). Equal to `Qwen2VLImageProcessorPil` of transformers 5.23 with Pillow 12.2, to the bit for every
 * format that decodes to Pillow's bytes (decode-image.ts).
 *
 * Settings come from `processor_config.json` (transformers 5) or `preprocessor_config.json` (published checkpoints).
 */
import { JsonReader } from "../config/json-reader";
import { ImageError } from "../input-error";
import { resizeBicubic, type RgbImage } from "./bicubic-resize";
import type { ModelFiles } from "../files/model-files";
import type { DecodeOptions, ImageInput } from "./image-input";
import { normalizationTable, writePatches, type Normalization, type PatchLayout } from "./patches";
import { smartResize } from "./smart-resize";

/** Everything the result depends on besides the pictures. */
export interface ImageProcessorSettings extends PatchLayout, Normalization {
  /** Fewest pixels after the resize. */
  readonly minPixels: number;
  /** Most pixels after the resize; (patchSize · mergeSize)² of them are one token. */
  readonly maxPixels: number;
}

/** transformers 5.23's defaults, which are those of Qwen2-VL and Qwen2.5-VL. */
export const QWEN2_IMAGE_SETTINGS: ImageProcessorSettings = {
  minPixels: 56 * 56,
  maxPixels: 28 * 28 * 1280,
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  rescaleFactor: 1 / 255,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** Time, height and width of a picture in patches. */
export type GridThw = readonly [number, number, number];

/** The vision tower's input for the pictures of one prompt. */
export interface ProcessedImages {
  /** Patches of all pictures one after another, [patches, 3 · temporal · patch · patch]. */
  readonly pixelValues: Float32Array;
  readonly gridThw: readonly GridThw[];
}

/** Turns pictures into patches by fixed settings. */
export interface ImageProcessor {
  readonly settings: ImageProcessorSettings;
  /** The grid a picture of this size gets, without looking at its pixels. @throws ImageError for a ratio above 200 */
  grid(width: number, height: number): GridThw;
  /** Placeholder tokens that a grid takes in the prompt. */
  tokens(grid: GridThw): number;
  /** The resized picture, before normalization. */
  resize(image: RgbImage): RgbImage;
  /**
   * Decodes and processes the pictures of one prompt.
   * @throws ImageError naming the picture that cannot be used
   */
  process(images: readonly ImageInput[], options?: DecodeOptions): Promise<ProcessedImages>;
  /** The same for pictures that are decoded already, without waiting. */
  processDecoded(images: readonly RgbImage[]): ProcessedImages;
  /**
   * The grids that the pictures of one prompt will get, from their headers alone.
   * @throws ImageError naming the picture that cannot be used; damage behind a header is not seen
   */
  grids(images: readonly ImageInput[], options?: DecodeOptions): Promise<readonly GridThw[]>;
}

/** How a platform reads pictures. Both functions throw an ImageError that names a picture which cannot be used. */
export interface PictureReader {
  readonly decode: (input: ImageInput, options: DecodeOptions) => Promise<RgbImage>;
  readonly size: (
    input: ImageInput,
    options: DecodeOptions,
  ) => Promise<{ readonly width: number; readonly height: number }>;
}

/** The image processor of these settings, which `createImageProcessor` completes. */
export function assembleImageProcessor(settings: ImageProcessorSettings, pictures: PictureReader): ImageProcessor {
  const { patchSize, mergeSize, temporalPatchSize, minPixels, maxPixels } = settings;
  const table = normalizationTable(settings);
  const target = (width: number, height: number) =>
    smartResize(height, width, { factor: patchSize * mergeSize, minPixels, maxPixels });
  const grid = (width: number, height: number): GridThw => {
    const size = target(width, height);
    return [1, size.height / patchSize, size.width / patchSize];
  };
  const resize = (image: RgbImage): RgbImage => {
    const size = target(image.width, image.height);
    return resizeBicubic(image, size.width, size.height);
  };
  const processDecoded = (images: readonly RgbImage[]): ProcessedImages => {
    const gridThw = images.map((image) => grid(image.width, image.height));
    const patches = gridThw.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
    const pixelValues = new Float32Array(patches * 3 * temporalPatchSize * patchSize * patchSize);
    let at = 0;
    for (const image of images) at = writePatches(resize(image), settings, table, pixelValues, at);
    return { pixelValues, gridThw };
  };
  /** What `read` returns for each picture, refused where the picture's proportions get no grid. */
  const readAll = async <Sized extends { readonly width: number; readonly height: number }>(
    images: readonly ImageInput[],
    options: DecodeOptions,
    read: (input: ImageInput, options: DecodeOptions) => Promise<Sized>,
  ): Promise<Sized[]> => {
    const all: Sized[] = [];
    for (const [index, input] of images.entries()) {
      const name = options.name === undefined ? undefined : `${options.name}, image ${index}`;
      const image = await read(input, { ...options, ...(name === undefined ? {} : { name }) });
      rethrowNamed(
        () => grid(image.width, image.height),
        name ?? (typeof input === "string" ? input : `image ${index}`),
      );
      all.push(image);
    }
    return all;
  };
  return {
    settings,
    grid,
    tokens: ([t, h, w]) => (t * h * w) / (mergeSize * mergeSize),
    resize,
    process: async (images, options = {}) => processDecoded(await readAll(images, options, pictures.decode)),
    processDecoded,
    grids: async (images, options = {}) =>
      (await readAll(images, options, pictures.size)).map(({ width, height }) => grid(width, height)),
  };
}

/** Adds the picture's name to an error of a function that knows only its size. */
function rethrowNamed(action: () => unknown, name: string): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ImageError) || error.where !== undefined) throw error;
    const { what, expected, found, fix } = error;
    throw new ImageError({
      what,
      where: name,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      ...(fix === undefined ? {} : { fix }),
    });
  }
}

/**
 * Reads the image processor's settings of a model.
 *
 * @param defaults for keys that are left out, or without a file for them; those of the model's family. Default:
 *   Qwen2-VL's.
 * @throws ModelConfigError when a value is malformed or asks for steps that are not supported (another resampling
 *   filter, no resize, no normalization)
 */
export function imageSettingsFrom(
  files: ModelFiles,
  defaults: ImageProcessorSettings = QWEN2_IMAGE_SETTINGS,
): ImageProcessorSettings {
  const reader = settingsReader(files);
  return reader ? imageSettingsOf(reader, defaults) : defaults;
}

/** The settings in an object of a file. @throws ModelConfigError as `imageSettingsFrom` does */
export function imageSettingsOf(reader: JsonReader, defaults: ImageProcessorSettings): ImageProcessorSettings {
  for (const step of ["do_resize", "do_rescale", "do_normalize", "do_convert_rgb"]) {
    if (!reader.flag(step, true)) reader.fail(step, "true; pictures pass through all steps");
  }
  if (reader.count("resample", 3, 0) !== 3) reader.fail("resample", "3 (bicubic)");
  const size = reader.child("size");
  // Explicit pixel bounds win over `size`, as in transformers 5.
  const bound = (key: string, inSize: string, fallback: number): number =>
    reader.has(key)
      ? reader.count(key)
      : size?.has(inSize)
        ? size.count(inSize)
        : size?.has(key)
          ? size.count(key)
          : fallback;
  const triple = (key: string, fallback: readonly number[]): readonly number[] => {
    const values = reader.numbers(key, fallback);
    if (values.length !== 3) reader.fail(key, "three numbers");
    return values;
  };
  const settings: ImageProcessorSettings = {
    minPixels: bound("min_pixels", "shortest_edge", defaults.minPixels),
    maxPixels: bound("max_pixels", "longest_edge", defaults.maxPixels),
    patchSize: reader.count("patch_size", defaults.patchSize),
    temporalPatchSize: reader.count("temporal_patch_size", defaults.temporalPatchSize),
    mergeSize: reader.count("merge_size", defaults.mergeSize),
    rescaleFactor: reader.positive("rescale_factor", defaults.rescaleFactor),
    mean: triple("image_mean", defaults.mean),
    std: triple("image_std", defaults.std),
  };
  if (settings.minPixels > settings.maxPixels)
    reader.fail(
      reader.has("min_pixels") ? "min_pixels" : "size",
      `a minimum of at most the maximum, ${settings.maxPixels} pixels`,
    );
  if (settings.std.some((value) => value <= 0)) reader.fail("image_std", "three positive numbers");
  return settings;
}

function settingsReader(files: ModelFiles): JsonReader | undefined {
  const combined = "processor_config.json";
  if (files.has(combined)) {
    const reader = JsonReader.open(files, combined, "write it again").child("image_processor");
    if (reader) return reader;
  }
  const own = "preprocessor_config.json";
  return files.has(own) ? JsonReader.open(files, own, "write it again") : undefined;
}
