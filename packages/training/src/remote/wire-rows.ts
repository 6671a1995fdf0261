/** Prompts and rollouts as the Tinker API takes them: token ids as text chunks, pictures as the files of their samples. */
import { readFile } from "node:fs/promises";
import { ConfigError } from "@v-triune/errors";
import type { Processor, PromptInput, TokenizedRollout, VisualInput } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import {
  type InputPicture,
  type TinkerPrompt,
  type TokenValues,
  type WireDatum,
  completionDatum,
} from "@v-triune/tinker";

const SIGNATURES = [
  ["png", [0x89, 0x50, 0x4e, 0x47]],
  ["jpeg", [0xff, 0xd8, 0xff]],
] as const;

export class WireRows {
  /** The files of the pictures that prompts were made of. */
  readonly #files = new WeakMap<VisualInput, Promise<readonly InputPicture[]>>();

  constructor(readonly processor: Processor) {}

  /** Takes note of a prompt's pictures, for the rows that answer it. */
  async prompt(prompt: PreparedPrompt): Promise<TinkerPrompt> {
    const { images, sample } = prompt;
    if (images && !this.#files.has(images)) {
      const files = sample.images.map(async ({ bytes, path }, index) =>
        this.#picture(bytes ?? (await readFile(path as string)), images, index, prompt.id),
      );
      this.#files.set(images, Promise.all(files));
    }
    return this.#withPictures(prompt);
  }

  /** @param values numbers of the completion's tokens, by the loss's names */
  async datum(row: TokenizedRollout, values: TokenValues): Promise<WireDatum> {
    return completionDatum(await this.#withPictures(row), row.completionIds, values);
  }

  async #withPictures({ promptIds, images }: PromptInput): Promise<TinkerPrompt> {
    if (!images) return { ids: promptIds };
    const pictures = await this.#files.get(images);
    if (!pictures) throw new TypeError("the prompt of a row with pictures was never asked here");
    return { ids: promptIds, pictures, placeholder: this.processor.imageTokenId };
  }

  #picture(bytes: Uint8Array, { gridThw }: VisualInput, index: number, id: string): InputPicture {
    const format = SIGNATURES.find(([, start]) => start.every((byte, at) => bytes[at] === byte))?.[0];
    if (!format)
      throw new ConfigError({
        what: "A picture has a format that the Tinker API does not take.",
        where: `${id}, picture ${index}`,
        expected: "PNG or JPEG",
        found: `a file that begins with ${Buffer.from(bytes.slice(0, 4)).toString("hex")}`,
        fix: "convert the pictures of the corpus, or train with the local policy",
      });
    return { bytes, format, tokens: this.processor.imageProcessor.tokens(gridThw[index]!) };
  }
}
