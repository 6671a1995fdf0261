/**
 * The Verifier seam: (response, sample) → verdict. A verifier is synchronous and pure; deadlines, workers and HTTP wrap
 * it elsewhere (`@v-triune/rewards`). A wrong answer is a verdict, never a throw.
 */

import type { ParamsSchema } from "./standard-schema";

/**
 * What a verifier reads of a sample. `params` is the sample's own `verifier_parm` plus what the run adds (epsilon,
 * grid).
 */
export interface VerifierSample {
  /** The gold answer as the corpus carries it (`\boxed{..}`, a Python-style box list, a word). */
  readonly groundTruth: string;
  /** The prompt, for verifiers that need the question; most do not. */
  readonly prompt?: string;
  /** Where the sample is from; never decides a verdict, only labels metrics. */
  readonly dataSource?: string;
  /** Verifier parameters; checked by the verifier's `params` schema before the first sample is scored. */
  readonly params?: Readonly<Record<string, unknown>>;
}

/**
 * A verdict is data:
 * - `scored`: the answer was judged. `accuracy` and `format` are in [0, 1]; `metrics` are logged by source. An answer
 *   that the limits of the verifier do not let it decide has accuracy 0 and the reason `undecided`, which is counted:
 *   no answer of a model can take itself out of its group.
 * - `skipped`: the gold is bad. The rollout is left out of its group, never scored 0.
 * - `error`: the judging itself failed (parameters, timeout, crash). Left out and counted, never a silent zero.
 */
export type Verdict =
  | {
      readonly status: "scored";
      readonly accuracy: number;
      readonly format: number;
      readonly metrics: Readonly<Record<string, number>>;
      /** Set where the limits ended the judging; what was not decided counts 0. */
      readonly reason?: "undecided";
    }
  | { readonly status: "skipped"; readonly reason: string }
  | {
      readonly status: "error";
      readonly reason: string;
      /**
       * For programs: `params` says that the sample's `params` cannot be used, so that no answer to it can be judged.
       */
      readonly code?: "params";
    };

/**
 * Judges responses of one kind of task. The name is what a sample carries; everything else follows from its arguments.
 */
export interface Verifier {
  /** The name a sample's `reward_model.verifier` carries. */
  readonly name: string;
  /** Checks a sample's `params` before a run starts; a verifier without parameters leaves it out. */
  readonly params?: ParamsSchema;
  /**
   * Judges one response.
   *
   * @param response the model's text, special tokens removed
   * @param sample the gold answer and its parameters
   */
  verify(response: string, sample: VerifierSample): Verdict;
}
