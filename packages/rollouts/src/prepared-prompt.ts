import type { ChatMessage, PromptInput, VisualInput } from "@v-triune/policy";
import type { Sample } from "@v-triune/schema";

/**
 * A sample as the model is asked it: token ids with the pictures' placeholders expanded, and the pictures as patches.
 */
export interface PreparedPrompt extends PromptInput {
  /** `data_source/id`; names the prompt's group of rollouts. */
  readonly id: string;
  readonly sample: Sample;
  /** What `text` was rendered from; a server with a template of its own is sent these. */
  readonly messages: readonly ChatMessage[];
  /** The rendered prompt, special tokens included, before the placeholders are expanded. */
  readonly text: string;
  readonly images?: VisualInput;
}

/**
 * The size in pixels of the pictures as the model saw them: [[t, height, width], ..], what the detection verifier
 * scales by.
 */
export function seenSizes({ images }: PreparedPrompt, patchSize: number): number[][] {
  return (images?.gridThw ?? []).map(([time, height, width]) => [time, height * patchSize, width * patchSize]);
}
