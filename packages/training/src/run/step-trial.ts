/**
 * Steps and evaluations of a run that is only tried, to see what they take: a sample goes the run's own way
 * (sample-to-gradient.ts), answered and trained by what is passed, and everything is written into a folder that is
 * removed again. No server is asked: answers are judged here, and the run's numbers go to no tracker.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Processor, VlmConfig } from "@v-triune/policy";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import type { RolloutEngine, ToolOffer } from "@v-triune/rollouts";
import { createVerifierRegistry } from "@v-triune/verifiers";
import type { TrainingConfig } from "../config/training-config";
import { openData } from "../data/open-data";
import { evaluateOnSets } from "../evaluation/evaluate-on-sets";
import { processorFolder } from "../model/load-model";
import { modelBoxes } from "../model/model-boxes";
import { reportStep } from "../reporting/report-step";
import { openRunMonitor } from "../reporting/run-monitor";
import { withResources } from "../resources";
import { openRewards } from "../sampling/open-rewards";
import type { Compute } from "../update/compute";
import { sampleRollouts, updateWeights } from "./sample-to-gradient";
import { softwareVersions } from "./software-versions";

export interface StepTrialParts {
  /** Of the run's model. */
  readonly architecture: VlmConfig;
  readonly processor: Processor;
  /** What prompts say of tools. Default: nothing. */
  readonly tools?: ToolOffer | undefined;
  /** Prompts of a step. */
  readonly prompts: number;
}

export interface StepTrial {
  /** Draws the next prompts, has them answered and judged, updates, and reports. */
  step(engine: RolloutEngine, compute: Pick<Compute, "logProbs" | "update">): Promise<void>;
  /**
   * An evaluation on at most `samplesPerSource` samples of each source of the evaluation sets.
   *
   * @returns samples that were asked
   */
  evaluate(engine: RolloutEngine, samplesPerSource: number): Promise<number>;
}

/**
 * Opens what a run would open for its data, rewards and reports, and closes it after `body`.
 *
 * @throws DatasetError, ConfigError: what training would refuse
 */
export async function withStepTrial<Result>(
  given: TrainingConfig,
  { architecture, processor, tools, prompts }: StepTrialParts,
  body: (trial: StepTrial) => Promise<Result>,
): Promise<Result> {
  const config = asTried(given, prompts);
  const model = { policy: { config: architecture }, processor };
  const boxes = modelBoxes(config, model);
  const registry = createVerifierRegistry(builtinVerifiers());
  const verifiers = registry.names;
  const { signal } = new AbortController();
  return withResources(async (resources) => {
    const path = await resources.open(mkdtemp(join(tmpdir(), "v-triune-trial-")), (made) =>
      rm(made, { recursive: true, force: true }),
    );
    const data = await openData(
      config,
      {
        processor,
        processorFolder: processorFolder(config.model),
        architecture,
        verifiers,
        tools,
        onBadRow: () => {},
      },
      resources,
    );
    const description = {
      format: 1 as const,
      name: config.run.name,
      seed: config.run.seed,
      backend: "",
      versions: softwareVersions(),
      createdAt: "",
      config,
    };
    const monitor = await resources.open(
      openRunMonitor({
        config: config.monitor,
        folder: { path, metricsPath: join(path, "metrics.jsonl"), description },
        onProblem: () => {},
        onAlarm: () => {},
      }),
      (opened) => opened.close(),
    );
    const rewards = await resources.open(
      openRewards(config.reward, { registry, judges: [] }),
      (opened) => void opened.close?.(),
    );
    let step = 0;
    return body({
      async step(engine, compute) {
        step += 1;
        const parts = { config, data, engine, rewards, processor, boxes };
        const rollouts = await sampleRollouts(step, step - 1, parts, { signal });
        const update = await updateWeights(step, rollouts.collected, {
          config,
          compute,
          referenceLogProbs: undefined,
          foreignLogProbs: false,
        });
        const { patchSize } = processor.imageProcessor.settings;
        reportStep(rollouts, update, 1, { config, monitor, patchSize, boxes, losses: 0 });
      },
      async evaluate(engine, samplesPerSource) {
        let asked = 0;
        const counting: RolloutEngine = {
          name: engine.name,
          generate(questions, request) {
            asked += questions.length;
            return engine.generate(questions, request);
          },
        };
        const limited = { ...config, evaluation: { ...config.evaluation, samplesPerSource } };
        const evaluated = await evaluateOnSets(limited, {
          model,
          engine: counting,
          rewards,
          verifiers,
          step,
          onBadRow: () => {},
        });
        if (evaluated) monitor.write(evaluated.records);
        return asked;
      },
    });
  });
}

/** The run without servers, teachers and further rounds, with as many prompts a step. */
function asTried(config: TrainingConfig, prompts: number): TrainingConfig {
  const { algorithm, monitor, reward, rollout } = config;
  return {
    ...config,
    strict: false,
    algorithm: { ...algorithm, distillation: null },
    rollout: { ...rollout, promptsPerStep: prompts, dynamicSampling: { ...rollout.dynamicSampling, enabled: false } },
    reward: { ...reward, servers: [], judge: null },
    monitor: {
      ...monitor,
      prometheus: null,
      mlflow: null,
      trackio: null,
      alarms: { ...monitor.alarms, webhook: null },
    },
  };
}
