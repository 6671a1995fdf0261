/**
 * Text ↔ token ids from a Hugging Face tokenizer.json, by @huggingface/tokenizers (BPE, WordLevel, WordPiece, Unigram).
 * Ids of byte-level vocabularies (Qwen's) are turned into text here: their bytes joined, then read as UTF-8, which is
 * the same and about six times as fast.
 *
 * That library's ids, spellings and decodings are those of the Rust tokenizers 0.23 on every golden case. Five
 * differences are removed here, so that all is as in the Rust library and transformers: numbers of every script are
 * digits (unicode-digits.ts); ids without a token (a padded embedding has some) decode to nothing; no ids decode to "";
 * spaces before punctuation are left alone unless tokenizer_config.json asks for the clean-up; the unknown token of a
 * WordLevel model is the one that tokenizer.json names.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { isLfsPointer, lfsPointerProblem, type ModelFiles, readText } from "../files/model-files";
import { TokenizerError } from "../input-error";
import { byteLevelBytes } from "./byte-level";
import { byteStream, windowStream, type TextStream } from "./text-stream";
import { withUnicodeDigits } from "./unicode-digits";

export interface DecodeTextOptions {
  /** Leaves special tokens (`<|im_end|>`, ..) out of the text. Default false. Plain added tokens stay. */
  readonly skipSpecialTokens?: boolean;
}

/** A loaded tokenizer. Synchronous; safe to share. */
export interface Tokenizer {
  /** One more than the largest id that has a token. The model's embedding may have more rows. */
  readonly vocabularySize: number;
  /** Special tokens by text, as in `added_tokens` and tokenizer_config.json. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** Roles that tokenizer_config.json names. */
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
  readonly padToken: string | undefined;
  readonly unkToken: string | undefined;
  /**
   * Ids of a text; special tokens that are written out in it become their ids.
   * @throws TokenizerError when the text has a word that a vocabulary without an unknown token lacks
   */
  encode(text: string): Int32Array;
  /** Text of ids. Bytes that are not UTF-8 become U+FFFD; ids without a token are left out. */
  decode(ids: ArrayLike<number>, options?: DecodeTextOptions): string;
  /** Decodes ids as they come. */
  stream(options?: DecodeTextOptions): TextStream;
  /** @throws TokenizerError when the vocabulary has no such token */
  tokenId(token: string): number;
  /** The token's spelling in the vocabulary (byte-level tokens are not plain text), or undefined. */
  token(id: number): string | undefined;
  isSpecial(id: number): boolean;
}

/**
 * Loads tokenizer.json, and tokenizer_config.json if there is one.
 *
 * @throws TokenizerError when tokenizer.json is missing, malformed or of a kind that is not supported
 */
export function tokenizerFrom(files: ModelFiles): Tokenizer {
  const file = files.pathOf("tokenizer.json");
  if (!files.has("tokenizer.json")) {
    const legacy = files.has("vocab.json");
    throw new TokenizerError({
      what: "The model folder has no tokenizer.",
      where: file,
      expected: "tokenizer.json",
      found: legacy ? "only vocab.json and merges.txt" : "nothing",
      fix: legacy
        ? "save it as tokenizer.json (transformers: AutoTokenizer.from_pretrained(..).save_pretrained(..))"
        : `fetch it: ${files.howToGet(["tokenizer.json", "tokenizer_config.json"])}`,
    });
  }
  const config = files.has("tokenizer_config.json") ? readJson(files, "tokenizer_config.json") : {};
  return createTokenizer(readJson(files, "tokenizer.json"), config, file);
}

/**
 * A tokenizer from the parsed contents of tokenizer.json and tokenizer_config.json.
 *
 * @param where names the tokenizer in errors
 * @throws TokenizerError when the contents are malformed or of a kind that is not supported, or the token that begins
 *   or ends a text or pads it is not in the vocabulary
 */
export function createTokenizer(
  json: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
  where = "tokenizer.json",
): Tokenizer {
  const model = json["model"];
  if (!isRecord(model) || model["vocab"] === undefined || !Array.isArray(json["added_tokens"] ?? [])) {
    throw new TokenizerError({
      what: "The tokenizer is malformed.",
      where,
      expected: "an object with model.vocab and added_tokens",
      fix: "fetch tokenizer.json again",
    });
  }
  const unkToken = typeof model["unk_token"] === "string" ? model["unk_token"] : tokenText(config["unk_token"]);
  const complete = {
    added_tokens: [],
    decoder: null,
    normalizer: null,
    post_processor: null,
    ...json,
    pre_tokenizer: withUnicodeDigits(json["pre_tokenizer"] ?? null),
  };
  let inner: HuggingFaceTokenizer;
  try {
    inner = new HuggingFaceTokenizer(complete, { ...config, unk_token: unkToken });
  } catch (cause) {
    throw new TokenizerError({
      what: "This kind of tokenizer is not supported.",
      where,
      found: cause instanceof Error ? cause.message : String(cause),
      fix: "use the tokenizer.json of a Qwen2.5-VL checkpoint",
      cause,
    });
  }
  let vocabularySize = 0;
  for (const id of inner.get_vocab().values()) vocabularySize = Math.max(vocabularySize, id + 1);
  const roles = {
    bosToken: tokenText(config["bos_token"]),
    eosToken: tokenText(config["eos_token"]),
    padToken: tokenText(config["pad_token"]),
    unkToken,
  };
  for (const [key, token] of [
    ["bos_token", roles.bosToken],
    ["eos_token", roles.eosToken],
    ["pad_token", roles.padToken],
  ] as const) {
    if (token === undefined || inner.token_to_id(token) !== undefined) continue;
    throw new TokenizerError({
      what: "A special token is not in the vocabulary.",
      where: `${key} of tokenizer_config.json, beside ${where}`,
      expected: `one of the tokenizer's ${vocabularySize} tokens`,
      found: JSON.stringify(token),
      fix:
        "correct the spelling, or fetch both files from the same revision; a new token needs a row of the " +
        "embedding too",
    });
  }
  const specialTokens = findSpecialTokens(inner, complete.added_tokens, config, Object.values(roles));
  const specialIds = new Set(specialTokens.values());
  const cleanUp = config["clean_up_tokenization_spaces"] === true;

  const isLeftOut = (id: number, options?: DecodeTextOptions): boolean =>
    inner.id_to_token(id) === undefined || (options?.skipSpecialTokens === true && specialIds.has(id));
  const byKind =
    isRecord(complete.decoder) && complete.decoder["type"] === "ByteLevel" && !cleanUp
      ? byteDecoding(inner, complete.added_tokens)
      : textDecoding(inner, cleanUp);
  const { decode, stream } = byKind(isLeftOut);
  return {
    vocabularySize,
    specialTokens,
    ...roles,
    encode: (text) => {
      const { ids, tokens } = inner.encode(text);
      const missing = ids.findIndex((id: number | undefined) => id === undefined);
      if (missing >= 0) {
        throw new TokenizerError({
          what: "A word is not in the tokenizer's vocabulary, which has no unknown token.",
          where,
          found: JSON.stringify(tokens[missing]),
        });
      }
      return Int32Array.from(ids);
    },
    decode,
    stream,
    tokenId: (token) => {
      const id = inner.token_to_id(token);
      if (id !== undefined) return id;
      throw new TokenizerError({
        what: "The tokenizer has no such token.",
        where,
        expected: `one of its ${vocabularySize} tokens; special ones are ${[...specialTokens.keys()].slice(0, 8).join(" ")}`,
        found: JSON.stringify(token),
        fix: "check the spelling, or use the tokenizer that belongs to the model",
      });
    },
    token: (id) => inner.id_to_token(id),
    isSpecial: (id) => specialIds.has(id),
  };
}

type Decoding = Pick<Tokenizer, "decode" | "stream">;
type IsLeftOut = (id: number, options?: DecodeTextOptions) => boolean;

/** Decoding of vocabularies in byte-level spelling. */
function byteDecoding(inner: HuggingFaceTokenizer, added: readonly unknown[]): (isLeftOut: IsLeftOut) => Decoding {
  const encoder = new TextEncoder();
  const nothing = new Uint8Array(0);
  // Added tokens are plain text, whatever their characters mean in byte-level spelling.
  const known = new Map<number, Uint8Array>(
    (added as { id: number; content: string }[]).map(({ id, content }) => [id, encoder.encode(content)]),
  );
  const bytesOf = (id: number): Uint8Array => {
    let bytes = known.get(id);
    if (!bytes) known.set(id, (bytes = byteLevelBytes(inner.id_to_token(id) ?? "")));
    return bytes;
  };
  return (isLeftOut) => ({
    decode: (ids, options) => {
      const parts: Uint8Array[] = [];
      for (let i = 0; i < ids.length; i++) if (!isLeftOut(ids[i]!, options)) parts.push(bytesOf(ids[i]!));
      const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        bytes.set(part, at);
        at += part.length;
      }
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    },
    stream: (options) => byteStream((id) => (isLeftOut(id, options) ? nothing : bytesOf(id))),
  });
}

/** Decoding of all other vocabularies, by the library. */
function textDecoding(inner: HuggingFaceTokenizer, cleanUp: boolean): (isLeftOut: IsLeftOut) => Decoding {
  return (isLeftOut) => {
    const decode = (ids: ArrayLike<number>, options?: DecodeTextOptions): string => {
      const kept: number[] = [];
      for (let i = 0; i < ids.length; i++) if (!isLeftOut(ids[i]!, options)) kept.push(ids[i]!);
      return kept.length === 0
        ? ""
        : inner.decode(kept, { skip_special_tokens: false, clean_up_tokenization_spaces: cleanUp });
    };
    return { decode, stream: (options) => windowStream((ids) => decode(ids, options)) };
  };
}

/** Special are the added tokens marked so, and those that tokenizer_config.json gives a role or lists. */
function findSpecialTokens(
  inner: HuggingFaceTokenizer,
  added: unknown,
  config: Readonly<Record<string, unknown>>,
  roles: readonly (string | undefined)[],
): Map<string, number> {
  const texts = new Set<string>();
  for (const token of added as { content: string; special?: boolean }[])
    if (token.special === true) texts.add(token.content);
  for (const key of ["additional_special_tokens", "extra_special_tokens"]) {
    const list = config[key];
    const values: unknown[] = Array.isArray(list) ? list : isRecord(list) ? Object.values(list) : [];
    for (const value of values) if (tokenText(value) !== undefined) texts.add(tokenText(value)!);
  }
  for (const role of roles) if (role !== undefined) texts.add(role);
  const found: [string, number][] = [];
  for (const text of texts) {
    const id = inner.token_to_id(text);
    if (id !== undefined) found.push([text, id]);
  }
  return new Map(found.sort((a, b) => a[1] - b[1]));
}

/** tokenizer_config.json writes a token as its text or as {content}. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return isRecord(value) && typeof value["content"] === "string" ? value["content"] : undefined;
}

function readJson(files: ModelFiles, name: string): Record<string, unknown> {
  const text = readText(files, name);
  if (isLfsPointer(text))
    throw new TokenizerError({
      what: "A file of the tokenizer was not downloaded.",
      ...lfsPointerProblem(files, name),
    });
  let json: unknown;
  let cause: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    cause = error;
  }
  if (isRecord(json)) return json;
  throw new TokenizerError({
    what: "A file of the tokenizer is not a JSON object.",
    where: files.pathOf(name),
    ...(cause instanceof Error ? { found: cause.message, cause } : {}),
    fix: "fetch the file again",
  });
}
