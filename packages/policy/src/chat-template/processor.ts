/**
 * Everything between a sample and the model: chat template, pictures, tokenizer, and the placeholders that stand for a
 * picture's merged patches.
 *
 *     text   .. <|vision_start|><|image_pad|><|vision_end|> ..
 *     ids    the one <|image_pad|> becomes t · h · w / merge² of them
 *
 * Source: `Qwen2VLProcessor`, `Qwen2_5_VLProcessor` and `Qwen3VLProcessor` of transformers 5.23, which agree on
 * pictures. It repeats the placeholder in the text before tokenizing; placeholders are special tokens, so repeating the
 * id afterwards gives the same and saves the tokenizer the work.
 */
import type { VlmConfig } from "../config/model-config";
import { familyOf, modelConfigFrom } from "../families/model-families";
import type { ModelFiles } from "../files/model-files";
import { ModelConfigError, PromptError } from "../input-error";
import {
  assembleImageProcessor,
  type PictureReader,
  imageSettingsFrom,
  type ImageProcessor,
  type ImageProcessorSettings,
  type ProcessedImages,
} from "../image-processor/image-processor";
import type { DecodeOptions, ImageInput } from "../image-processor/image-input";
import { tokenizerFrom, type DecodeTextOptions, type Tokenizer } from "../tokenizer/tokenizer";
import { chatTemplateFrom, type ChatMessage, type ChatTemplate, type RenderOptions } from "./chat-template";
import { countError } from "./image-marks";

const IMAGE_TOKEN = "<|image_pad|>";
const VIDEO_TOKEN = "<|video_pad|>";

export interface EncodeOptions extends RenderOptions, DecodeOptions {
  /** The longest prompt that is allowed, in tokens with pictures. */
  readonly maxTokens?: number;
}

/** A prompt as the model takes it. */
export interface EncodedPrompt {
  /** The rendered text, one placeholder per picture. */
  readonly text: string;
  /** Token ids, one placeholder for each merged patch. */
  readonly promptIds: Int32Array;
  /** 0 text, 1 picture, 2 video; one for each id. */
  readonly mmTokenTypeIds: Uint8Array;
  /** The vision tower's input; absent without pictures. */
  readonly images?: ProcessedImages;
}

/** A model's tokenizer, template and image processor, ready to use together. */
export interface Processor {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  readonly imageProcessor: ImageProcessor;
  readonly imageTokenId: number;
  /** Undefined for a tokenizer without `<|video_pad|>`. */
  readonly videoTokenId: number | undefined;
  /**
   * Renders, tokenizes and processes the pictures of one prompt.
   *
   * @param prompt messages, or text that is rendered already
   * @param images in the order of their places in the prompt
   * @throws PromptError when places and pictures differ in number, or the prompt is longer than `maxTokens`
   * @throws ImageError when a picture cannot be used
   */
  encode(
    prompt: string | readonly ChatMessage[],
    images?: readonly ImageInput[],
    options?: EncodeOptions,
  ): Promise<EncodedPrompt>;
  /** The same with pictures that are processed already; does not wait. */
  encodeProcessed(
    prompt: string | readonly ChatMessage[],
    images?: ProcessedImages,
    options?: EncodeOptions,
  ): EncodedPrompt;
  /** Text of a completion. */
  decode(ids: ArrayLike<number>, options?: DecodeTextOptions): string;
}

/**
 * The processor of a model.
 *
 * @param pictures reads them
 * @param settings override those of the files, for example `{maxPixels: 501760}`
 * @param model what the pictures are for. Default: that of config.json, if there is one.
 * @throws TokenizerError, PromptError or ModelConfigError when a file is missing or malformed
 */
export function processorFrom(
  files: ModelFiles,
  pictures: PictureReader,
  settings: Partial<ImageProcessorSettings> = {},
  model: VlmConfig | undefined = configOf(files),
): Processor {
  const tokenizer = tokenizerFrom(files);
  const template = chatTemplateFrom(files, tokenizer);
  const images = { ...imageSettingsFrom(files, model && familyOf(model).imageSettings), ...settings };
  if (model) checkPatches(files, images, model);
  return assembleProcessor(tokenizer, template, assembleImageProcessor(images, pictures));
}

function configOf(files: ModelFiles): VlmConfig | undefined {
  return files.has("config.json") ? modelConfigFrom(files) : undefined;
}

/** @throws ModelConfigError when pictures would be cut into other patches than the model has */
function checkPatches(files: ModelFiles, images: ImageProcessorSettings, { vision }: VlmConfig): void {
  const found = [images.patchSize, images.temporalPatchSize, images.mergeSize];
  const expected = [vision.patchSize, vision.temporalPatchSize, vision.spatialMergeSize];
  if (found.join() === expected.join()) return;
  throw new ModelConfigError({
    what: "The image processor cuts pictures into other patches than the model takes.",
    where: files.pathOf("preprocessor_config.json"),
    expected: `patch, temporal patch and merge size of config.json: ${expected.join(", ")}`,
    found: found.join(", "),
    fix: "fetch config.json and preprocessor_config.json of one model",
  });
}

/** A processor of given parts. */
export function assembleProcessor(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  imageProcessor: ImageProcessor,
): Processor {
  const imageTokenId = tokenizer.tokenId(IMAGE_TOKEN);
  const videoTokenId = tokenizer.specialTokens.get(VIDEO_TOKEN);

  const encodeProcessed = (
    prompt: string | readonly ChatMessage[],
    images?: ProcessedImages,
    options: EncodeOptions = {},
  ): EncodedPrompt => {
    const text = typeof prompt === "string" ? prompt : template.render(prompt, options);
    const grids = images?.gridThw ?? [];
    const counts = grids.map((grid) => imageProcessor.tokens(grid));
    const ids = tokenizer.encode(text);
    if (videoTokenId !== undefined && ids.includes(videoTokenId))
      throw new PromptError({
        what: "A prompt has a video, and videos are not supported.",
        ...(options.name === undefined ? {} : { where: options.name }),
        expected: "text and pictures",
        found: VIDEO_TOKEN,
        fix: "give frames of the video as pictures, or leave the sample out",
      });
    const promptIds = expandPlaceholders(ids, imageTokenId, counts, options.name);
    if (options.maxTokens !== undefined && promptIds.length > options.maxTokens) {
      const visual = counts.reduce((sum, n) => sum + n, 0);
      throw new PromptError({
        what: "The prompt is too long.",
        ...(options.name === undefined ? {} : { where: options.name }),
        expected: `at most ${options.maxTokens} tokens`,
        found: `${promptIds.length} tokens, ${visual} of them for pictures`,
        fix: "raise the limit, allow fewer new tokens, lower maxPixels, or leave the sample out",
      });
    }
    const mmTokenTypeIds = Uint8Array.from(promptIds, (id) => (id === imageTokenId ? 1 : id === videoTokenId ? 2 : 0));
    return { text, promptIds, mmTokenTypeIds, ...(images && grids.length > 0 ? { images } : {}) };
  };
  return {
    tokenizer,
    template,
    imageProcessor,
    imageTokenId,
    videoTokenId,
    encodeProcessed,
    encode: async (prompt, images = [], options = {}) =>
      encodeProcessed(prompt, images.length === 0 ? undefined : await imageProcessor.process(images, options), options),
    decode: (ids, options) => tokenizer.decode(ids, options),
  };
}

/**
 * A processor that gives every prompt its token ids and its pictures' grids without reading their pixels: `pixelValues`
 * is empty. It counts tokens; no model can take its prompts.
 */
export function measuringProcessor({ tokenizer, template, imageProcessor }: Processor): Processor {
  return assembleProcessor(tokenizer, template, {
    ...imageProcessor,
    process: async (images, options) => ({
      pixelValues: new Float32Array(),
      gridThw: await imageProcessor.grids(images, options),
    }),
  });
}

/**
 * Repeats each placeholder of `ids` as often as its picture has tokens.
 *
 * @param counts tokens by picture, in the order of the placeholders
 * @throws PromptError when there are more or fewer placeholders than pictures
 */
export function expandPlaceholders(
  ids: Int32Array,
  placeholder: number,
  counts: readonly number[],
  where?: string,
): Int32Array {
  const places = ids.reduce((sum, id) => sum + (id === placeholder ? 1 : 0), 0);
  if (places !== counts.length) throw countError("placeholders", places, counts.length, where);
  const out = new Int32Array(ids.length - places + counts.reduce((sum, n) => sum + n, 0));
  let at = 0;
  let picture = 0;
  for (const id of ids) {
    const repeat = id === placeholder ? counts[picture++]! : 1;
    out.fill(id, at, at + repeat);
    at += repeat;
  }
  return out;
}
