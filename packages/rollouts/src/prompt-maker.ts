import { ImageError, type ImageInput, PromptError, type Processor, splitImageMarks } from "@v-triune/policy";
import type { Sample } from "@v-triune/schema";
import { type PromptPool, appendPromptSentences, promptForm } from "./prompt-pool";
import type { SeededRandom } from "./seeded-random";
import type { PreparedPrompt } from "./prepared-prompt";
import { type ToolOffer, withToolOffer } from "./turns/tool-offer";

export interface PromptMakerOptions {
  readonly processor: Processor;
  /** Sentences that are appended to mathverify questions; null leaves prompts as they are. */
  readonly pool: PromptPool | null;
  /** What prompts say of tools. Default: nothing. */
  readonly tools?: ToolOffer | undefined;
  /** Longer prompts are refused with a PromptError; null: no limit. */
  readonly maxPromptTokens: number | null;
  /** The pictures of a sample, if they are not in it: pixels, for example. Default: its bytes or paths. */
  readonly picturesOf?: (sample: Sample) => readonly ImageInput[];
}

/** Turns samples into prompts: pool sentences, chat template, pictures, tokens. */
export type PromptMaker = (sample: Sample, id: string, random: SeededRandom) => Promise<PreparedPrompt>;

export function createPromptMaker({
  processor,
  pool,
  tools,
  maxPromptTokens,
  picturesOf,
}: PromptMakerOptions): PromptMaker {
  return async (sample, id, random) => {
    const pictures = picturesOf?.(sample) ?? storedPictures(sample, id);
    const asked = splitImageMarks(withPoolSentences(sample, pool, random), pictures.length, id);
    const { messages, variables } = withToolOffer(asked, tools, processor.template);
    const encoded = await processor.encode(messages, pictures, {
      name: id,
      addGenerationPrompt: true,
      ...(variables ? { variables } : {}),
      ...(maxPromptTokens === null ? {} : { maxTokens: maxPromptTokens }),
    });
    return {
      id,
      sample,
      messages,
      text: encoded.text,
      promptIds: encoded.promptIds,
      ...(encoded.images ? { images: encoded.images } : {}),
    };
  };
}

function storedPictures({ images }: Sample, id: string): (string | Uint8Array)[] {
  return images.map(({ bytes, path }, index) => {
    const picture = bytes ?? path;
    if (picture === null)
      throw new ImageError({ what: "The picture has neither bytes nor a path.", where: `${id}, image ${index}` });
    return picture;
  });
}

/** Whether an error concerns one sample only, so that a run may leave it out and go on. */
export function isSampleError(error: unknown): error is Error {
  return error instanceof ImageError || error instanceof PromptError;
}

/** The last user turn gets the sentences. */
export function withPoolSentences(sample: Sample, pool: PromptPool | null, random: SeededRandom): Sample["prompt"] {
  const { verifier, format_ratio: formatRatio } = sample.reward_model;
  const form = pool === null ? null : promptForm({ verifier, formatRatio });
  if (pool === null || form === null) return sample.prompt;
  const last = sample.prompt.findLastIndex(({ role }) => role === "user");
  return sample.prompt.map((message, index) =>
    index === last ? { ...message, content: appendPromptSentences(message.content, form, pool, random) } : message,
  );
}
