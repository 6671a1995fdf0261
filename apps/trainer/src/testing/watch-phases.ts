/**
 * For the bench: the phases of a step of a run in this process. A run tells when answers come and when a step is done;
 * what lies between is seen where it meets the policy and the engine that makes gradients. Threads of wasm are not seen.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type GenerateOptions, VlmPolicy } from "@v-triune/policy";
import type { Clock } from "../dry-run/clock";

/**
 * `prompts`: until each answer has its first token. `optimizer`: what is neither a gradient nor before the first one:
 * sums of micro-batches, norms, AdamW. `rest`: data, rewards and reports.
 */
export const phases = ["prompts", "answers", "logProbs", "gradients", "optimizer", "rest"] as const;
export type Phase = (typeof phases)[number];

export interface PhaseWatch {
  /** Seconds since it was last asked, and the optimizer's up to now. */
  take(): Record<Phase, number>;
}

export function watchPhases(clock: Clock): PhaseWatch {
  const none = (): Record<Phase, number> => ({
    prompts: 0,
    answers: 0,
    logProbs: 0,
    gradients: 0,
    optimizer: 0,
    rest: 0,
  });
  let seconds = none();
  /** When the last gradients were there; undefined before the first ones of a step. */
  let gradientsSince: number | undefined;
  /** When tensors were last tidied up: after that a step only reports. */
  let tidied = 0;
  /** Gradients of blocks are computed within those of the model. */
  let isWithin = false;
  const { generate, logProbs } = VlmPolicy.prototype;
  const engine = tf.engine();
  const { gradients, endScope } = engine;

  VlmPolicy.prototype.generate = async function* (this: VlmPolicy, prompts, options) {
    let phase: "prompts" | "answers" = "prompts";
    let since = clock();
    const spent = (): void => {
      const now = clock();
      seconds[phase] += now - since;
      since = now;
    };
    const stopWhen: GenerateOptions["stopWhen"] = (completion) => {
      if (phase === "prompts") spent();
      phase = "answers";
      return options.stopWhen?.(completion) ?? false;
    };
    for await (const completion of generate.call(this, prompts, { ...options, stopWhen })) {
      spent();
      yield completion;
      // Meanwhile the answer was judged.
      since = clock();
    }
    spent();
  };
  VlmPolicy.prototype.logProbs = function (this: VlmPolicy, rows, options) {
    const started = clock();
    const found = logProbs.call(this, rows, options);
    if (isWithin) return found;
    // The backend may still compute.
    found.logProbs.dataSync();
    seconds.logProbs += clock() - started;
    return found;
  };
  engine.endScope = (...given: Parameters<typeof endScope>) => {
    endScope.apply(engine, given);
    tidied = clock();
  };
  engine.gradients = ((...given: Parameters<typeof gradients>) => {
    if (isWithin) return gradients.apply(engine, given);
    const started = clock();
    if (gradientsSince !== undefined) seconds.optimizer += started - gradientsSince;
    isWithin = true;
    const found = gradients.apply(engine, given);
    isWithin = false;
    gradientsSince = clock();
    seconds.gradients += gradientsSince - started;
    return found;
  }) as typeof gradients;

  return {
    take() {
      if (gradientsSince !== undefined) seconds.optimizer += tidied - gradientsSince;
      gradientsSince = undefined;
      const taken = seconds;
      seconds = none();
      return taken;
    },
  };
}
