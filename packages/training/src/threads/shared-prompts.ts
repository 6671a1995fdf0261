/** Rows and prompts as they cross to other threads: pixels and features in shared memory, each array once. */
import type { PromptInput, TokenizedRollout, VlmPolicy, VisualInput } from "@v-triune/policy";

/** Pictures whose features are known already; the arrays of pixels are those of the rows. */
export type KnownFeatures = readonly (readonly [VisualInput, Float32Array])[];

const copies = new WeakMap<Float32Array, Float32Array>();

/** The array itself where it is shared already, else a copy that is made once. */
export function inSharedMemory(values: Float32Array): Float32Array {
  if (values.buffer instanceof SharedArrayBuffer) return values;
  let copy = copies.get(values);
  if (!copy) {
    copy = new Float32Array(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    copies.set(values, copy);
  }
  return copy;
}

/**
 * Shares the pictures of what one message holds. Rows of one prompt go on sharing its arrays, as they must to be
 * merged.
 */
export class PromptSharing {
  readonly #inputs = new Map<Float32Array, VisualInput>();
  readonly #features: [VisualInput, Float32Array][] = [];

  /** @param policy whose knowledge of the pictures goes along; default none */
  constructor(readonly policy?: VlmPolicy) {}

  /** What the policy knows of the pictures that were shared. */
  get features(): KnownFeatures {
    return this.#features;
  }

  prompt<Prompt extends PromptInput & Pick<Partial<TokenizedRollout>, "observations">>(prompt: Prompt): Prompt {
    const { images, videos, observations } = prompt;
    return images || videos || observations
      ? {
          ...prompt,
          ...(observations ? { observations: observations.map((input) => this.#visual(input)) } : {}),
          ...(images ? { images: this.#visual(images) } : {}),
          ...(videos ? { videos: this.#visual(videos) } : {}),
        }
      : prompt;
  }

  /** A picture that is not part of a prompt. */
  picture(input: VisualInput): VisualInput {
    return this.#visual(input);
  }

  #visual(input: VisualInput): VisualInput {
    const known = this.#inputs.get(input.pixelValues);
    if (known) return known;
    const shared = { ...input, pixelValues: inSharedMemory(input.pixelValues) };
    this.#inputs.set(input.pixelValues, shared);
    const features = this.policy?.knownFeatures(input);
    if (features) this.#features.push([shared, inSharedMemory(features)]);
    return shared;
  }
}
