/** The evaluations of a run: its evaluation sets, and benchmarks that were passed. */
import { resolve } from "node:path";
import type { Benchmark, BenchmarkDomain } from "@v-triune/benchmarks";
import type { MetricRecord } from "@v-triune/monitor";
import type { RewardSource } from "@v-triune/rewards";
import type { RolloutEngine } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { type ChosenBenchmark, evaluateOnBenchmarks } from "../evaluation/evaluate-on-benchmarks";
import { evaluateOnSets } from "../evaluation/evaluate-on-sets";
import type { ModelParts } from "../model/load-model";
import { type EvaluationScores, type TrainingListener, rowStoreEvents } from "../training-event";
import type { OpenTurns } from "../sampling/open-turns";
import { GivenUpWaiting } from "../sampling/wait-watch";

/** A benchmark with where its copy lies. */
export interface RunBenchmark {
  readonly benchmark: Benchmark;
  /** Default: the working folder. */
  readonly folder?: string;
  /** Most questions to ask, a seeded choice. Default: all. */
  readonly limit?: number | null;
  /** Default: what the benchmark declares. */
  readonly domain?: BenchmarkDomain;
}

export interface RunEvaluationParts {
  readonly config: TrainingConfig;
  readonly model: ModelParts;
  readonly engine: RolloutEngine;
  /** How answers take several turns; undefined: they do not. */
  readonly turns?: OpenTurns | undefined;
  readonly rewards: RewardSource;
  /** Names that a sample's verifier may have. */
  readonly verifiers: readonly string[];
  readonly benchmarks: readonly (Benchmark | RunBenchmark)[];
  readonly interruption: { readonly requested: boolean } | undefined;
  /** Aborted with GivenUpWaiting when a person leaves a run that waits for servers. */
  readonly signal: AbortSignal;
  readonly listen: TrainingListener;
}

/** @returns undefined if the run has nothing to evaluate on, or the evaluation was interrupted */
export async function evaluateDuringRun(
  step: number,
  parts: RunEvaluationParts,
): Promise<{ readonly scores: EvaluationScores; readonly records: readonly MetricRecord[] } | undefined> {
  const { config, model, engine, turns, rewards, verifiers, interruption, signal, listen } = parts;
  const hasSets = config.data.eval.length > 0;
  if (!hasSets && parts.benchmarks.length === 0) return undefined;
  const options = {
    model,
    engine,
    step,
    turns,
    interruption,
    signal,
    onBadRow: (message: string) => listen({ type: "bad-row", message }),
    onProgress: (done: number, total: number) => listen({ type: "evaluating", step, done, total }),
  };
  try {
    const asked =
      parts.benchmarks.length === 0
        ? undefined
        : await evaluateOnBenchmarks(parts.benchmarks.map(chosenBenchmark), config, options);
    if (parts.benchmarks.length > 0 && !asked) return undefined;
    if (!hasSets) return asked;
    const onRowStore = rowStoreEvents(listen);
    const evaluated = await evaluateOnSets(config, { ...options, rewards, verifiers, onRowStore });
    if (!evaluated || !asked) return evaluated;
    // The record over all sources ends an evaluation: without it, it is made again when the run is resumed.
    const ofBenchmarks = asked.benchmarks.map(({ record }) => record);
    return {
      scores: { ...evaluated.scores, benchmarks: asked.scores.bySource },
      records: [...ofBenchmarks, ...evaluated.records],
    };
  } catch (error) {
    if (!(error instanceof GivenUpWaiting)) throw error;
    return undefined;
  }
}

function chosenBenchmark(given: Benchmark | RunBenchmark): ChosenBenchmark {
  const {
    benchmark,
    folder = ".",
    limit = null,
    domain = benchmark.domain,
  } = "open" in given ? { benchmark: given } : given;
  return { benchmark, folder: resolve(folder), limit, domain };
}
