/** The rollouts of one step: prompts drawn, answered and judged. */
import { type CollectOptions, collectRollouts, createRandom } from "@v-triune/rollouts";
import { iouThreshold } from "@v-triune/verifiers";
import type { TrainingConfig } from "../config/training-config";
import type { RunEngine } from "./run-engine";
import type { TrainingData } from "../data/read-ahead";
import { type SampledGroups, sampleGroups } from "./dynamic-sampling";
import { penaliseOverlong } from "./overlong-penalty";

export interface StepRollouts {
  readonly step: number;
  /** The step whose weights answered. */
  readonly weights: number;
  /** Where in the order of the samples its prompts begin, and how many were asked for round by round: enough to draw them again. */
  readonly position: number;
  readonly asked: readonly number[];
  readonly collected: SampledGroups;
  /** Spent waiting for prompts. */
  readonly dataSeconds: number;
  /** What the engine counted. */
  readonly engine: Readonly<Record<string, number>>;
}

export interface SampleStepOptions extends Pick<CollectOptions, "rewards" | "processor" | "onProgress"> {
  readonly config: TrainingConfig;
  readonly engine: Pick<RunEngine, "engine" | "takeMetrics">;
  readonly data: Pick<TrainingData, "position" | "next">;
  readonly signal: AbortSignal;
}

/** Streams of the run's seed for the sampling of rollouts, one a step. */
const rolloutStream = 10_000_000;

/** @param weights the step that the engine's weights are of */
export async function sampleStep(
  step: number,
  weights: number,
  { config, processor, rewards, engine, data, signal, onProgress }: SampleStepOptions,
): Promise<StepRollouts> {
  const epsilon = iouThreshold(config.reward.iou.schedule, step, config.run.steps);
  const { promptsPerStep, dynamicSampling, n, temperature, topP, topK, maxNewTokens } = config.rollout;
  const random = createRandom(config.run.seed, rolloutStream + step);
  const { position } = data;
  const asked: number[] = [];
  let dataSeconds = 0;
  // What an evaluation counted is not this step's.
  engine.takeMetrics();
  const collected = await sampleGroups({
    count: promptsPerStep,
    dynamicSampling,
    nextPrompts: async (count) => {
      const started = performance.now();
      asked.push(count);
      const prompts = await data.next(count);
      dataSeconds += (performance.now() - started) / 1000;
      return prompts;
    },
    collect: async (prompts) => {
      const { rollouts, seconds } = await collectRollouts(prompts, {
        engine: engine.engine,
        rewards,
        processor,
        context: { epsilon, training: true, ratios: config.reward },
        request: { n, temperature, topP, topK, maxNewTokens, seed: random.int(0, 0x7fffffff), signal },
        ...(onProgress ? { onProgress } : {}),
      });
      return { rollouts: penaliseOverlong(rollouts, maxNewTokens, config.reward.overlong), seconds };
    },
  });
  return { step, weights, position, asked, collected, dataSeconds, engine: engine.takeMetrics() };
}
