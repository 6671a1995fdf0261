/**
 * Rows in the layout of the API: the input is the sequence without its last token, the targets are the sequence without
 * its first, and every tensor is as long as the input. A picture stands for as many positions as it has tokens.
 */
import { TinkerError } from "./tinker-error";
import type { WireChunk, WireDatum, WireModelInput, WireTensor } from "./wire";

/** A picture as a file, and the number of tokens that the model makes of it. Its bytes must not change later. */
export interface InputPicture {
  readonly bytes: Uint8Array;
  readonly format: "png" | "jpeg";
  /** T: tokens of the model's input that the picture takes. */
  readonly tokens: number;
}

/** A prompt: token ids with `tokens` placeholders in a row for each picture, and the pictures in order. */
export interface TinkerPrompt {
  readonly ids: ArrayLike<number>;
  readonly pictures?: readonly InputPicture[];
  /** The id of a placeholder; needed with pictures. */
  readonly placeholder?: number;
}

/** Numbers of a completion's tokens by name; positions of the prompt get 0. */
export type TokenValues = Readonly<Record<string, ArrayLike<number>>>;

/**
 * The chunks of an input: runs of placeholders become pictures.
 *
 * @param ids of the whole input, [T]
 * @throws RangeError when runs of placeholders and pictures do not match
 */
export function modelInput(
  ids: ArrayLike<number>,
  { pictures = [], placeholder }: Omit<TinkerPrompt, "ids"> = {},
): WireModelInput {
  const chunks: WireChunk[] = [];
  let text: number[] = [];
  let picture = 0;
  const flush = (): void => {
    if (text.length > 0) chunks.push({ type: "encoded_text", tokens: text });
    text = [];
  };
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at]!;
    if (placeholder === undefined || pictures.length === 0 || id !== placeholder) {
      text.push(id);
      continue;
    }
    const next = pictures[picture++];
    if (!next) throw new RangeError(`modelInput: more placeholders than the ${pictures.length} pictures have tokens`);
    for (let t = 0; t < next.tokens; t++)
      if (ids[at + t] !== placeholder)
        throw new RangeError(`modelInput: picture ${picture - 1} has ${next.tokens} tokens, and ${t} placeholders`);
    flush();
    chunks.push(pictureChunk(next));
    at += next.tokens - 1;
  }
  if (picture < pictures.length)
    throw new RangeError(`modelInput: ${pictures.length} pictures, and placeholders for ${picture} of them`);
  flush();
  return { chunks };
}

type PictureChunk = Extract<WireChunk, { type: "image" }>;

/** One chunk for all rows with the same picture: it is encoded once, here and in each request. */
const chunksOfPictures = new WeakMap<Uint8Array, PictureChunk>();

function pictureChunk({ bytes, format, tokens }: InputPicture): PictureChunk {
  const known = chunksOfPictures.get(bytes);
  if (known?.format === format && known.expected_tokens === tokens) return known;
  const data = known?.data ?? Buffer.from(bytes).toString("base64");
  const chunk: PictureChunk = { type: "image", data, format, expected_tokens: tokens };
  chunksOfPictures.set(bytes, chunk);
  return chunk;
}

/**
 * The row of a prompt and its completion.
 *
 * @param values one number per completion token, by the names that the loss has: weights, logprobs, advantages
 * @throws RangeError when a list is not as long as the completion
 * @throws TinkerError when a number is not finite
 * @example completionDatum({ ids: [1, 2, 3] }, [7, 8], { weights: [1, 1] })
 */
export function completionDatum(
  prompt: TinkerPrompt,
  completion: ArrayLike<number>,
  values: TokenValues = {},
): WireDatum {
  const all = [...Array.from(prompt.ids), ...Array.from(completion)];
  if (prompt.ids.length === 0) throw new RangeError("completionDatum: the prompt has no tokens");
  const front = prompt.ids.length - 1;
  const spread = (name: string, given: ArrayLike<number>): WireTensor => {
    if (given.length !== completion.length)
      throw new RangeError(`completionDatum: ${name} has ${given.length} numbers, expected ${completion.length}`);
    const data = [...Array.from({ length: front }, () => 0), ...Array.from(given)];
    const wrong = data.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw new TinkerError({
        what: "A number of a row cannot be sent: JSON has finite numbers only.",
        where: `${name}, completion token ${wrong - front}`,
        expected: "a finite number",
        found: String(data[wrong]),
        fix: "look for the loss or the log-probability that is not finite",
        code: "refused",
      });
    return { data, dtype: "float32", shape: [data.length] };
  };
  const { ids: _, ...pictures } = prompt;
  return {
    model_input: modelInput(all.slice(0, -1), pictures),
    loss_fn_inputs: {
      target_tokens: { data: all.slice(1), dtype: "int64", shape: [all.length - 1] },
      ...Object.fromEntries(Object.entries(values).map(([name, given]) => [name, spread(name, given)])),
    },
  };
}

/** The number of positions that an input has. */
export function inputLength({ chunks }: WireModelInput): number {
  return chunks.reduce(
    (sum, chunk) => sum + (chunk.type === "encoded_text" ? chunk.tokens.length : (chunk.expected_tokens ?? 1)),
    0,
  );
}
