/**
 * The losses of the API, summed over tokens: each with its derivative by the token's log-probability.
 *
 *   ratio = exp(logprob - old)
 *   cross_entropy        -w logprob
 *   importance_sampling  -w ratio A
 *   ppo                  -w min(ratio A, clip(ratio, low, high) A)             low 0.8, high 1.2
 *   cispo                -w clip(ratio, low, high) A logprob, the clipped ratio constant
 *
 * The names, inputs and thresholds are those of the hosted service's documentation; `w` is `weights`, 1 without them.
 */
import { RequestRefusal } from "./request-refusal";

export interface TokenInputs {
  readonly logProb: number;
  /** Of the policy that drew the token. */
  readonly old: number;
  readonly advantage: number;
}

/** Loss and d loss / d logprob of one token, without its weight. */
export type TokenLossFunction = (token: TokenInputs) => { readonly loss: number; readonly gradient: number };

export interface LossFunction {
  /** Tensors that each row must have besides target_tokens. */
  readonly inputs: readonly string[];
  readonly token: TokenLossFunction;
}

type Config = Readonly<Record<string, number>>;

const LOSSES: Readonly<
  Record<
    string,
    { readonly inputs: readonly string[]; readonly keys: readonly string[]; make(config: Config): TokenLossFunction }
  >
> = {
  cross_entropy: {
    inputs: [],
    keys: [],
    make:
      () =>
      ({ logProb }) => ({ loss: -logProb, gradient: -1 }),
  },
  importance_sampling: {
    inputs: ["logprobs", "advantages"],
    keys: [],
    make:
      () =>
      ({ logProb, old, advantage }) => {
        const value = -Math.exp(logProb - old) * advantage;
        return { loss: value, gradient: value };
      },
  },
  ppo: {
    inputs: ["logprobs", "advantages"],
    keys: ["clip_low_threshold", "clip_high_threshold"],
    make: (config) => {
      const clip = clipping(config);
      return ({ logProb, old, advantage }) => {
        const ratio = Math.exp(logProb - old);
        const plain = -ratio * advantage;
        const clipped = -clip(ratio) * advantage;
        return plain >= clipped ? { loss: plain, gradient: plain } : { loss: clipped, gradient: 0 };
      };
    },
  },
  cispo: {
    inputs: ["logprobs", "advantages"],
    keys: ["clip_low_threshold", "clip_high_threshold"],
    make: (config) => {
      const clip = clipping(config);
      return ({ logProb, old, advantage }) => {
        const factor = -clip(Math.exp(logProb - old)) * advantage;
        return { loss: factor * logProb, gradient: factor };
      };
    },
  },
};

/** @throws RequestRefusal 422 for a loss or a key that this server does not have */
export function lossFunction(name: string, config: Config | null | undefined): LossFunction {
  const known = Object.hasOwn(LOSSES, name) ? LOSSES[name] : undefined;
  if (!known)
    throw new RequestRefusal(422, `loss_fn: one of ${Object.keys(LOSSES).join(", ")} expected, found ${name}`);
  const strange = Object.keys(config ?? {}).filter((key) => !known.keys.includes(key));
  if (strange.length > 0)
    throw new RequestRefusal(
      422,
      `loss_fn_config: ${name} takes ${known.keys.join(", ") || "no keys"}, found ${strange.join(", ")}`,
    );
  return { inputs: known.inputs, token: known.make(config ?? {}) };
}

function clipping({ clip_low_threshold: low = 0.8, clip_high_threshold: high = 1.2 }: Config) {
  return (ratio: number): number => Math.min(Math.max(ratio, low), high);
}
