/**
 * The demonstration model's vocabulary and its tokenizer.json. Tokens are taken greedily, the longest first: one Split
 * by a pattern of all tokens sorted by length, then a BPE model without merges that looks whole pieces up. Both the
 * Rust and the JavaScript tokenizers of Hugging Face read it and agree.
 */
import { colorNames, shapeNames } from "./drawing/canvas";
import { letters } from "./drawing/glyphs";

/** In the order of their ids, which the model's config names. */
export const specialTokens = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|vision_start|>",
  "<|vision_end|>",
  "<|image_pad|>",
  "<|video_pad|>",
] as const;

const words = [
  "How",
  " many",
  " are",
  " there",
  "Find",
  " every",
  "Where",
  " is",
  " the",
  "Read",
  " letters",
  "What",
  " goes",
  " in",
  " gap",
  " value",
  " of",
  " bar",
  "Work",
  " out",
  " sum",
  "Describe",
  " shape",
  " cell",
];

const plainTokens: readonly string[] = [
  "<unk>",
  "user",
  "assistant",
  "\n",
  "<think>\n",
  "\n</think>\n",
  "<answer>\n",
  "\n</answer>",
  ...Array.from({ length: 100 }, (_, number) => String(number)),
  ...letters,
  "+",
  "-",
  "[",
  "]",
  ", ",
  "{'bbox_2d': [",
  "], 'label': '",
  "'}",
  "\\boxed{",
  "\\boxed{\\text{",
  "}",
  "}}",
  "?",
  ".",
  " ",
  ...shapeNames,
  ...shapeNames.map((shape) => ` ${shape}`),
  ...shapeNames.map((shape) => ` ${shape}s`),
  ...colorNames,
  ...colorNames.map((color) => ` ${color}`),
  ...words,
];

export const vocabulary: readonly string[] = [...specialTokens, ...plainTokens];

/** Rows of the embedding: the tokens rounded up to a multiple of 8. */
export const embeddingRows = (tokens: readonly string[]): number => Math.ceil(tokens.length / 8) * 8;

export function tokenId(token: string): number {
  const id = vocabulary.indexOf(token);
  if (id < 0) throw new RangeError(`The demonstration's vocabulary has no token ${JSON.stringify(token)}.`);
  return id;
}

/**
 * The tokenizer.json of a demonstration model (Hugging Face tokenizers format 1.0).
 *
 * @param tokens the special tokens first
 */
export function tokenizerJson(tokens: readonly string[]): object {
  const longestFirst = tokens.slice(specialTokens.length).sort((a, b) => b.length - a.length);
  const pattern = longestFirst.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: "<unk>",
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [],
    },
  };
}
