/** Inputs of the API as the policy takes them: chunks as token ids and pictures, rows as prompt and completion. */
import { createHash } from "node:crypto";
import { VTriuneError } from "@v-triune/errors";
import type { Processor, PromptInput, TokenizedRollout, VisualInput, VlmConfig } from "@v-triune/policy";
import type { LossFunction } from "./losses";
import type { Datum, ModelInput } from "./request-bodies";
import { RequestRefusal } from "./request-refusal";

/** Pictures that are kept as patches, so that rows of one prompt share its computation. */
const KEPT_PICTURES = 256;

/** A row of a pass. Positions count from the start of its input. */
export interface PassRow {
  readonly row: TokenizedRollout;
  /** T: positions of the input. */
  readonly length: number;
  /** The first position whose log-probability is computed; that of the completion's first token. */
  readonly from: number;
  /** By completion token. */
  readonly weights: Float64Array;
  readonly old: Float64Array;
  readonly advantages: Float64Array;
}

export class InputReader {
  /** By the pictures' bytes, oldest first. */
  readonly #pictures = new Map<string, Promise<VisualInput>>();

  constructor(
    readonly processor: Processor,
    readonly config: VlmConfig,
  ) {}

  /** @throws RequestRefusal 400 for a picture that cannot be used or tokens that the model does not have */
  async prompt(input: ModelInput, where: string): Promise<PromptInput> {
    const files = input.chunks.flatMap((chunk) => (chunk.type === "image" ? [Buffer.from(chunk.data, "base64")] : []));
    const images = files.length === 0 ? undefined : await this.#images(files, where);
    const ids: number[] = [];
    let picture = 0;
    for (const chunk of input.chunks) {
      if (chunk.type === "encoded_text") {
        for (const id of chunk.tokens) ids.push(this.#textToken(id, where));
        continue;
      }
      const tokens = this.processor.imageProcessor.tokens(images!.gridThw[picture]!);
      if (typeof chunk.expected_tokens === "number" && chunk.expected_tokens !== tokens)
        throw new RequestRefusal(
          400,
          `${where}: picture ${picture} has ${tokens} tokens, expected_tokens is ${chunk.expected_tokens}`,
        );
      for (let t = 0; t < tokens; t++) ids.push(this.config.imageTokenId);
      picture += 1;
    }
    if (ids.length === 0) throw new RequestRefusal(400, `${where}: the input has no tokens`);
    return { promptIds: Int32Array.from(ids), ...(images ? { images } : {}) };
  }

  /** @throws RequestRefusal 400 naming the row and what is wrong with it */
  async row(datum: Datum, loss: LossFunction, where: string): Promise<PassRow> {
    const input = await this.prompt(datum.model_input, where);
    const { promptIds } = input;
    const length = promptIds.length;
    const tensors = datum.loss_fn_inputs;
    for (const name of ["target_tokens", ...loss.inputs, "weights", "mask"]) {
      const found = Object.hasOwn(tensors, name) ? tensors[name]!.data.length : undefined;
      if (found === undefined && ["weights", "mask"].includes(name)) continue;
      if (found !== length)
        throw new RequestRefusal(
          400,
          `${where}: ${name} has ${found ?? "no"} values, expected ${length}, one per position of the input`,
        );
    }
    const targets = tensors["target_tokens"]!.data;
    const weight = (at: number): number => (tensors["weights"]?.data[at] ?? 1) * (tensors["mask"]?.data[at] ?? 1);
    // Rows of one prompt begin at the same position, so that they share its computation.
    const isWeighted = "weights" in tensors || "mask" in tensors || loss.inputs.length === 0;
    const counts = (at: number): boolean => (isWeighted ? weight(at) !== 0 : tensors["advantages"]!.data[at] !== 0);
    const first = Array.from({ length }, (_, at) => at).find(counts);
    const lastPlaceholder = promptIds.lastIndexOf(this.config.imageTokenId);
    if (first !== undefined && first < lastPlaceholder)
      throw new RequestRefusal(400, `${where}: position ${first} counts, and lies before the row's last picture`);
    const from = first ?? Math.max(0, lastPlaceholder);
    const completion = targets.slice(from);
    completion.forEach((target, t) => {
      const next = promptIds[from + t + 1];
      if (next !== undefined && next !== target)
        throw new RequestRefusal(
          400,
          `${where}: target ${from + t} is ${target}, expected ${next}, the input's next token`,
        );
      this.#textToken(target, `${where}, target ${from + t}`);
    });
    const slice = (name: string): Float64Array =>
      Float64Array.from({ length: length - from }, (_, t) => tensors[name]?.data[from + t] ?? 0);
    return {
      row: { ...input, promptIds: promptIds.slice(0, from + 1), completionIds: Int32Array.from(completion) },
      length,
      from,
      weights: Float64Array.from({ length: length - from }, (_, t) => weight(from + t)),
      old: slice("logprobs"),
      advantages: slice("advantages"),
    };
  }

  #textToken(id: number, where: string): number {
    const { imageTokenId, videoTokenId, text } = this.config;
    if (id < 0 || id >= text.vocabSize)
      throw new RequestRefusal(400, `${where}: token ${id}, expected 0 to ${text.vocabSize - 1}`);
    if (id === imageTokenId || id === videoTokenId)
      throw new RequestRefusal(400, `${where}: token ${id} stands for a picture; send the picture as a chunk`);
    return id;
  }

  async #images(files: readonly Buffer[], where: string): Promise<VisualInput> {
    const hash = createHash("sha256");
    for (const file of files) hash.update(`${file.length} `).update(file);
    const key = hash.digest("base64");
    const known = this.#pictures.get(key);
    this.#pictures.delete(key);
    const found = known ?? this.processor.imageProcessor.process(files);
    this.#pictures.set(key, found);
    for (const oldest of this.#pictures.keys()) {
      if (this.#pictures.size <= KEPT_PICTURES) break;
      this.#pictures.delete(oldest);
    }
    try {
      return await found;
    } catch (error) {
      this.#pictures.delete(key);
      if (!VTriuneError.isInstance(error)) throw error;
      throw new RequestRefusal(400, `${where}: ${error.what}${error.found ? ` (${error.found})` : ""}`);
    }
  }
}
