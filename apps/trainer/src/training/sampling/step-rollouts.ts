/** The rollouts of one step: prompts drawn, answered and judged. */
import type { IouEpsilon, TrainingConfig } from "../config/training-config";
import type { RunEngine } from "./run-engine";
import type { TrainingData } from "../data/read-ahead";
import { createRandom } from "../../seeded-random";
import { type CollectOptions, collectRollouts } from "../../rollouts/collect-rollouts";
import { type CollectingOptions, collecting } from "./collecting";
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

export interface SampleStepOptions
  extends Omit<CollectingOptions, "engine" | "epsilon" | "training" | "ratios">, Pick<CollectOptions, "onProgress"> {
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
  { config, model, rewards, engine, data, signal, onProgress }: SampleStepOptions,
): Promise<StepRollouts> {
  const epsilon = stageEpsilon(config.reward.iou.schedule, step, config.run.steps);
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
        ...collecting({ model, engine: engine.engine, rewards, epsilon, training: true, ratios: config.reward }),
        request: { n, temperature, topP, topK, maxNewTokens, seed: random.int(0, 0x7fffffff), signal },
        ...(onProgress ? { onProgress } : {}),
      });
      return { rollouts: penaliseOverlong(rollouts, maxNewTokens, config.reward.overlong), seconds };
    },
  });
  return { step, weights, position, asked, collected, dataSeconds, engine: engine.takeMetrics() };
}

/** The threshold of a step: that of the first stage that still holds. */
export function stageEpsilon(
  schedule: TrainingConfig["reward"]["iou"]["schedule"],
  step: number,
  steps: number,
): IouEpsilon {
  const stage = schedule.find(({ until }) => step / steps <= until) ?? schedule.at(-1);
  if (!stage) throw new RangeError("reward.iou.schedule is empty");
  return stage.epsilon;
}
