/**
 * Tokenizer, chat template and placeholder expansion against a folder made by tokenizers and transformers:
 * tokenizer.json, tokenizer_config.json, a chat template and cases.json {encode, decode, stream, chat, processor, ..}.
 * All of it is exact.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ChatMessage } from "../chat-template/chat-template";
import { assembleProcessor } from "../chat-template/processor";
import { type GridThw } from "../image-processor/image-processor";
import { type Tokenizer } from "../tokenizer/tokenizer";
import { ParityLedger, type ParityCheck, type ParityRow } from "./parity";
import { folderOf, peekJson, readReference } from "./reference-files";
import { loadChatTemplate, createImageProcessor, loadTokenizer } from "../folder/read-model";

interface TextCase {
  readonly text: string;
  readonly ids: readonly number[];
  readonly tokens?: readonly string[];
  readonly decoded: string;
  readonly decoded_skip_special: string;
}

interface ProcessorCase {
  readonly image_sizes_wh: readonly (readonly [number, number])[];
  readonly min_pixels: number;
  readonly max_pixels: number;
  readonly text: string;
  readonly image_grid_thw: readonly GridThw[];
  readonly num_image_tokens: readonly number[];
  readonly input_ids: readonly number[];
  readonly mm_token_type_ids: readonly number[] | null;
}

interface TokenizerCases {
  readonly encode: readonly TextCase[];
  readonly decode: readonly Omit<TextCase, "text">[];
  readonly vocab_size?: number;
  readonly eos_token_id?: number | null;
  readonly pad_token_id?: number | null;
  readonly stream?: readonly { readonly ids: readonly number[]; readonly decoded_prefixes: readonly string[] }[];
  readonly chat?: readonly {
    readonly name: string;
    readonly messages: readonly ChatMessage[];
    readonly options: { readonly add_generation_prompt?: boolean; readonly add_vision_id?: boolean };
    readonly text: string;
    readonly ids: readonly number[];
  }[];
  readonly processor?: readonly ProcessorCase[];
  readonly processor_left_padded_batch?: {
    readonly texts: readonly string[];
    readonly image_sizes_wh: readonly (readonly [number, number])[];
    readonly image_grid_thw: readonly GridThw[];
    readonly input_ids: readonly (readonly number[])[];
    readonly attention_mask: readonly (readonly number[])[];
  };
}

/** The check for `npm run parity`. */
export const tokenizerParity: ParityCheck = {
  name: "tokenizer",
  recognize: (path) => {
    const folder = folderOf(path);
    if (folder === undefined || !existsSync(join(folder, "tokenizer.json"))) return false;
    const cases = peekJson(join(folder, "cases.json"));
    return Array.isArray(cases?.["encode"]) && Array.isArray(cases["decode"]);
  },
  check: checkTokenizer,
};

/** @throws ParityError, TokenizerError or PromptError when a file of the folder is missing or malformed */
export async function checkTokenizer(path: string): Promise<ParityRow[]> {
  const folder = folderOf(path) ?? path;
  const cases = readReference<TokenizerCases>(join(folder, "cases.json"), ["encode", "decode"]);
  const tokenizer = loadTokenizer(folder);
  const ledger = new ParityLedger();
  const compareDecoded = (
    quantity: string,
    { ids, decoded, plain }: { readonly ids: readonly number[]; readonly decoded: string; readonly plain: string },
    where: string,
  ): void => {
    ledger.exact(quantity, tokenizer.decode(ids) === decoded, where);
    const withoutSpecial = tokenizer.decode(ids, { skipSpecialTokens: true });
    ledger.exact(`${quantity}, special tokens left out`, withoutSpecial === plain, where);
  };
  for (const { text, ids, tokens, decoded, decoded_skip_special: plain } of cases.encode) {
    const where = show(text);
    ledger.exact("ids of texts", same(tokenizer.encode(text), ids), where);
    if (tokens)
      ledger.exact(
        "spellings of tokens",
        tokens.every((token, i) => tokenizer.token(ids[i]!) === token),
        where,
      );
    compareDecoded("texts of ids", { ids, decoded, plain }, where);
  }
  for (const { ids, decoded, decoded_skip_special: plain } of cases.decode)
    compareDecoded("texts of random ids", { ids, decoded, plain }, `ids ${ids.join(" ")}`);
  if (cases.vocab_size !== undefined)
    ledger.exact("vocabulary size", tokenizer.vocabularySize === cases.vocab_size, String(tokenizer.vocabularySize));
  compareRole(ledger, tokenizer, "end token", tokenizer.eosToken, cases.eos_token_id);
  compareRole(ledger, tokenizer, "padding token", tokenizer.padToken, cases.pad_token_id);
  for (const { ids, decoded_prefixes: prefixes } of cases.stream ?? []) compareStream(ledger, tokenizer, ids, prefixes);
  compareChat(ledger, tokenizer, folder, cases);
  return ledger.rows();
}

function compareRole(
  ledger: ParityLedger,
  tokenizer: Tokenizer,
  quantity: string,
  token: string | undefined,
  id: number | null | undefined,
): void {
  if (id === undefined || id === null) return;
  ledger.exact(quantity, token !== undefined && tokenizer.tokenId(token) === id, String(token));
}

/** The text returned so far begins the decoding of every prefix, and with the rest it is that decoding. */
function compareStream(
  ledger: ParityLedger,
  tokenizer: Tokenizer,
  ids: readonly number[],
  prefixes: readonly string[],
): void {
  for (const [index, expected] of prefixes.entries()) {
    const stream = tokenizer.stream();
    const shown = ids
      .slice(0, index + 1)
      .map((id) => stream.push(id))
      .join("");
    ledger.exact(
      "streamed texts",
      expected.startsWith(shown) && shown + stream.end() === expected,
      `${index + 1} ids of ${show(prefixes.at(-1) ?? "")}`,
    );
  }
}

function compareChat(ledger: ParityLedger, tokenizer: Tokenizer, folder: string, cases: TokenizerCases): void {
  const { chat = [], processor = [], processor_left_padded_batch: batch } = cases;
  if (chat.length === 0 && processor.length === 0 && !batch) return;
  const template = loadChatTemplate(folder, tokenizer);
  for (const { name, messages, options, text, ids } of chat) {
    const rendered = template.render(messages, {
      ...(options.add_generation_prompt === undefined ? {} : { addGenerationPrompt: options.add_generation_prompt }),
      ...(options.add_vision_id === undefined ? {} : { addVisionId: options.add_vision_id }),
    });
    ledger.exact("rendered chats", rendered === text, name);
    ledger.exact("ids of rendered chats", same(tokenizer.encode(rendered), ids), name);
  }
  for (const [index, one] of processor.entries()) {
    const images = createImageProcessor({ minPixels: one.min_pixels, maxPixels: one.max_pixels });
    const grids = one.image_sizes_wh.map(([width, height]) => images.grid(width, height));
    const where = `processor case ${index}`;
    ledger.exact("grids", JSON.stringify(grids) === JSON.stringify(one.image_grid_thw), where);
    ledger.exact(
      "tokens of pictures",
      same(
        grids.map((grid) => images.tokens(grid)),
        one.num_image_tokens,
      ),
      where,
    );
    const encoded = assembleProcessor(tokenizer, template, images).encodeProcessed(one.text, {
      pixelValues: new Float32Array(0),
      gridThw: grids,
    });
    ledger.exact("expanded ids", same(encoded.promptIds, one.input_ids), where);
    if (one.mm_token_type_ids) ledger.exact("token types", same(encoded.mmTokenTypeIds, one.mm_token_type_ids), where);
  }
  if (batch) comparePaddedBatch(ledger, tokenizer, folder, batch);
}

function comparePaddedBatch(
  ledger: ParityLedger,
  tokenizer: Tokenizer,
  folder: string,
  batch: NonNullable<TokenizerCases["processor_left_padded_batch"]>,
): void {
  const processor = assembleProcessor(tokenizer, loadChatTemplate(folder, tokenizer), createImageProcessor());
  let picture = 0;
  for (const [row, text] of batch.texts.entries()) {
    const places = text.split(tokenizer.token(processor.imageTokenId)!).length - 1;
    const gridThw = batch.image_grid_thw.slice(picture, (picture += places));
    const { promptIds } = processor.encodeProcessed(text, { pixelValues: new Float32Array(0), gridThw });
    const real = batch.input_ids[row]!.filter((_, i) => batch.attention_mask[row]![i] === 1);
    ledger.exact("expanded ids of the padded batch", same(promptIds, real), `row ${row}`);
  }
}

function same(actual: ArrayLike<number>, expected: readonly number[]): boolean {
  return actual.length === expected.length && expected.every((value, i) => actual[i] === value);
}

function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 37)}...` : text);
}
