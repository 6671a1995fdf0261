/**
 * A training run from configuration to last checkpoint. This file is the order in which things happen; each of them has a
 * file of its own. It prints nothing: whoever watches listens.
 */
import { type BackendChoice, OutOfMemoryError, selectBackend } from "@v-triune/backend";
import { type Learner, createLearner } from "@v-triune/grpo";
import { createStepMetrics } from "@v-triune/monitor";
import type { TokenizedRollout } from "@v-triune/policy";
import type { RewardSource } from "@v-triune/rewards";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { createVerifierRegistry, iouThreshold } from "@v-triune/verifiers";
import { configuredPromptMaker } from "../data/configured-prompt-maker";
import { type BestCheckpoint, noteEarlier, trackBest } from "../checkpoint/best-checkpoint";
import {
  type LoadedCheckpoint,
  newestWholeCheckpoint,
  pruneCheckpoints,
  saveCheckpoint,
} from "../checkpoint/checkpoint";
import { readReadyRollouts } from "../checkpoint/ready-rollouts";
import type { TrainingConfig } from "../config/training-config";
import { type RunEngine, openRunEngine } from "../sampling/run-engine";
import { GivenUpWaiting, type WaitWatch, watchWaiting } from "../sampling/wait-watch";
import { openCompute } from "../parallel/open-compute";
import { openDataThread } from "../data/open-data-thread";
import { type TrainingData, readAhead } from "../data/read-ahead";
import { describeCompute, workerCount } from "../threads/worker-count";
import { TrainingMemoryError } from "./training-memory-error";
import { checkResumedConfig } from "../run-folder/resume-config";
import { type RunFolder, openRunFolder } from "../run-folder/run-folder";
import { type RunMonitor, openRunMonitor } from "../reporting/run-monitor";
import { storedRollout } from "../reporting/stored-rollout";
import { softwareVersions } from "./software-versions";
import { evaluateModel } from "../evaluation/evaluate-model";
import { frozenGroups, learnerConfig, usesRolloutLogProbs } from "../update/learner-config";
import { type LoadedModel, loadModel, processorFolder } from "../model/load-model";
import { openRewards } from "../sampling/open-rewards";
import { type ReferenceLogProbs, createReferenceLogProbs } from "../model/reference-policy";
import { rolloutRecord } from "../reporting/rollout-record";
import { RolloutSchedule } from "../sampling/rollout-schedule";
import { engineMetrics, healthMetrics, stepSummary } from "../reporting/step-report";
import { sampleStep } from "../sampling/step-rollouts";
import { openTrainingSource } from "../data/training-data";
import {
  type EvaluationScores,
  type StepSummary,
  type TrainingListener,
  rowStoreEvents,
} from "../reporting/training-event";
import type { Compute } from "../update/compute";
import { updateFromRollouts } from "../update/training-step";

export interface RunTrainingOptions {
  readonly listen?: TrainingListener;
  /** Looked at between steps: once true, the run saves and ends. */
  readonly interruption?: { readonly requested: boolean; readonly signal?: AbortSignal };
  /** Go on with the run that the folder holds. */
  readonly resume?: boolean;
}

export interface TrainingResult {
  readonly folder: string;
  readonly backend: BackendChoice;
  /** Steps done in all; fewer than configured when interrupted. */
  readonly step: number;
  readonly interrupted: boolean;
  readonly before: EvaluationScores | undefined;
  readonly after: EvaluationScores | undefined;
  readonly lastStep: StepSummary | undefined;
  readonly checkpoint: string | undefined;
}

/**
 * Runs or resumes training.
 *
 * @throws the typed errors of the boundaries it crosses: DatasetError, ConfigError, WeightsError, RunFolderError, WriteError,
 *   BackendError, OutOfMemoryError, TrainingDivergedError
 */
export async function runTraining(config: TrainingConfig, options: RunTrainingOptions = {}): Promise<TrainingResult> {
  const backend = await selectBackend({ prefer: config.backend });
  const folder = await openRunFolder({
    config,
    backend: backend.description,
    versions: softwareVersions(),
    ...(options.resume ? { resume: true } : {}),
  });
  try {
    if (options.resume) checkResumedConfig(folder.description.config, config);
    return await new Run(config, folder, backend, options).execute();
  } finally {
    await folder.close();
  }
}

class Run {
  readonly #listen: TrainingListener;

  constructor(
    readonly config: TrainingConfig,
    readonly folder: RunFolder,
    readonly backend: BackendChoice,
    readonly options: RunTrainingOptions,
  ) {
    this.#listen = options.listen ?? (() => {});
  }

  async execute(): Promise<TrainingResult> {
    const { config, folder } = this;
    const checkpoint = this.options.resume ? await this.#lastCheckpoint() : undefined;
    const model = await loadModel(config.model, config.run.seed, frozenGroups(config), checkpoint?.folder);
    const reference =
      config.algorithm.kl.coefficient === 0
        ? undefined
        : await loadModel({ ...config.model, adapter: null }, config.run.seed, ["vision", "connector", "language"]);
    const registry = createVerifierRegistry(builtinVerifiers());
    const onRowStore = rowStoreEvents(this.#listen);
    const source =
      config.workers === 1
        ? await openTrainingSource({
            sets: config.data.train,
            seed: config.run.seed,
            makePrompt: await configuredPromptMaker(config, model.processor),
            verifiers: registry.names,
            strict: config.strict,
            onRowStore,
          })
        : await openDataThread(
            { config, processorFolder: processorFolder(config.model, checkpoint?.folder), verifiers: registry.names },
            onRowStore,
          );
    const data = readAhead(
      source,
      (message) => this.#listen({ type: "bad-row", message }),
      config.workers === 1 ? 0 : undefined,
    );
    const monitor = openRunMonitor({
      config: config.monitor,
      folder,
      onProblem: (message) => this.#listen({ type: "warning", message }),
      onAlarm: (alarm) => this.#listen({ type: "alarm", alarm }),
    });
    const watch = watchWaiting(this.options.interruption);
    const servers = this.#serverEvents(watch);
    const rewards = openRewards(config.reward, registry, servers);
    let engine: RunEngine | undefined;
    let learner: Learner<TokenizedRollout> | undefined;
    let compute: Compute | undefined;
    try {
      engine = await openRunEngine({
        config,
        model,
        folder: folder.path,
        step: checkpoint?.loaded.state.step ?? 0,
        signal: this.options.interruption?.signal,
        ...servers,
      });
      const foreignLogProbs = usesRolloutLogProbs(config, engine.engine.givesForeignLogProbs ?? false);
      learner = createLearner(learnerConfig(config, model.policy, foreignLogProbs));
      if (checkpoint) {
        learner.importState(checkpoint.loaded.learner);
        data.position = checkpoint.loaded.state.position;
      }
      // A run that was stopped before its first step evaluates anew, so its first evaluation goes too.
      const { evaluated } = this.options.resume
        ? await monitor.resumeAfter(checkpoint?.loaded.state.step || -1)
        : { evaluated: false };
      const verifiers = registry.names;
      compute = await openCompute({
        policy: model.policy,
        learner,
        config,
        foreignLogProbs,
        backend: this.backend.name,
        workers: workerCount(config.workers),
        onProblem: (message) => this.#listen({ type: "warning", message }),
      });
      // The policy answers for itself, with all threads.
      if (config.rollout.engine === "local") engine = { ...engine, engine: compute.engine };
      const referenceLogProbs =
        reference &&
        createReferenceLogProbs(reference.policy, config.rollout.temperature, config.update.microBatchTokens);
      const best = trackBest(config.checkpoint.keepBest);
      if (this.options.resume && config.checkpoint.keepBest !== null) await noteEarlier(best, folder.metricsPath);
      const schedule = await this.#schedule({ model, engine, data, rewards, watch }, checkpoint);
      const parts = {
        model,
        best,
        data,
        monitor,
        learner,
        compute,
        engine,
        watch,
        rewards,
        verifiers,
        referenceLogProbs,
        schedule,
      };
      return await this.#steps(parts, checkpoint?.loaded.state.step ?? 0, evaluated);
    } finally {
      watch.dispose();
      await compute?.close();
      await rewards.close?.();
      await engine?.close();
      await monitor.close();
      data.close();
      learner?.dispose();
      model.policy.dispose();
      reference?.policy.dispose();
    }
  }

  async #schedule(
    { model, engine, data, rewards, watch }: Pick<RunParts, "model" | "engine" | "data" | "rewards" | "watch">,
    checkpoint: { folder: string; loaded: LoadedCheckpoint } | undefined,
  ): Promise<RolloutSchedule> {
    const { config } = this;
    const decode = (ids: Int32Array): string => model.processor.decode(ids, { skipSpecialTokens: true });
    return new RolloutSchedule({
      asyncLevel: config.rollout.asyncLevel,
      steps: config.run.steps,
      overlaps: config.rollout.engine !== "local",
      data,
      ready: checkpoint?.loaded.hasReadyRollouts
        ? await readReadyRollouts(checkpoint.folder, (count) => data.next(count), decode)
        : undefined,
      sample: (step, weights, signal) =>
        sampleStep(step, weights, {
          config,
          processor: model.processor,
          engine,
          data,
          rewards,
          signal: AbortSignal.any([watch.signal, signal]),
          onProgress: (done, total) => this.#listen({ type: "generating", step, done, total }),
        }),
    });
  }

  /** @param evaluated whether the evaluation at `fromStep` has been made */
  async #steps(parts: RunParts, fromStep: number, evaluated: boolean): Promise<TrainingResult> {
    const { config, folder } = this;
    const { steps } = config.run;
    const { parameters } = parts.model.policy;
    this.#listen({
      type: "started",
      folder: folder.path,
      backend: describeCompute(this.backend.description, workerCount(config.workers)),
      trainable: parameters.reduce((sum, { variable }) => sum + variable.size, 0),
      samples: parts.data.length,
      fromStep,
    });
    const before = fromStep === 0 ? await this.#evaluate(parts, 0) : undefined;
    const evaluationDue = (at: number): boolean =>
      at === steps || (config.evaluation.every !== null && at % config.evaluation.every === 0);
    // The run ended between a checkpoint and the evaluation that comes after it.
    let after =
      fromStep > 0 && !evaluated && evaluationDue(fromStep) ? await this.#evaluate(parts, fromStep) : undefined;
    let lastStep: StepSummary | undefined;
    let step = fromStep;
    let saved: string | undefined;
    let interrupted = this.options.interruption?.requested ?? false;
    while (step < steps && !interrupted) {
      const position = parts.data.position;
      const updates = parts.learner.step;
      try {
        lastStep = await this.#step(parts, step + 1);
      } catch (error) {
        if (error instanceof OutOfMemoryError) throw await this.#savedBefore(error, parts, step, position, updates);
        if (!(error instanceof GivenUpWaiting)) throw error;
        // Nothing of the step was trained: the run is where it was after the one before.
        parts.data.position = position;
        interrupted = true;
        if (!(await this.folder.checkpointSteps()).includes(step)) saved = await this.#save(parts, step);
        break;
      }
      step += 1;
      interrupted = ((this.options.interruption?.requested ?? false) || parts.monitor.stopRequested) && step < steps;
      const { every } = config.checkpoint;
      if (step === steps || interrupted || (every !== null && step % every === 0))
        saved = await this.#save(parts, step);
      if (evaluationDue(step) && !interrupted) after = await this.#evaluate(parts, step);
    }
    if (interrupted && step === 0 && saved === undefined) saved = await this.#save(parts, step);
    if (interrupted) this.#listen({ type: "interrupted", step });
    await parts.monitor.flush();
    return {
      folder: folder.path,
      backend: this.backend,
      step,
      interrupted,
      before,
      after,
      lastStep,
      checkpoint: saved,
    };
  }

  async #step(parts: RunParts, step: number): Promise<StepSummary> {
    const { config } = this;
    const { steps } = config.run;
    const started = performance.now();
    const epsilon = iouThreshold(config.reward.iou.schedule, step, steps);
    const { rollouts, update } = await parts.schedule.step(step, async (rollouts) => ({
      rollouts,
      update: await updateFromRollouts(step, rollouts.collected, config, parts.compute, parts.referenceLogProbs),
    }));
    // Not to be called off: the update has been made. All answers of the weights before are in.
    await parts.engine.publish(step);
    const { collected, dataSeconds } = rollouts;
    const numbers = {
      step,
      steps,
      collected,
      update,
      epsilon,
      dataSeconds,
      engine: engineMetrics(config, rollouts),
      seconds: (performance.now() - started) / 1000,
    };
    const metrics = createStepMetrics({ boxThreshold: epsilon === "average" ? 0.5 : epsilon });
    for (const [index, rollout] of collected.rollouts.entries())
      metrics.add(rolloutRecord(rollout, update.klPenalties[index]));
    const records = metrics.finish(step, healthMetrics(numbers));
    parts.monitor.write(records);
    parts.best.note(records);
    if (parts.monitor.wantsRollouts(step)) {
      const { patchSize } = parts.model.processor.imageProcessor.settings;
      const stored = collected.rollouts.map((rollout, index) =>
        storedRollout(
          step,
          rollout,
          { advantage: update.advantages[index] ?? null, klPenalty: update.klPenalties[index] ?? null },
          patchSize,
        ),
      );
      parts.monitor.writeRollouts(step, stored);
    }
    const summary = stepSummary(numbers);
    this.#listen({ type: "step", summary });
    return summary;
  }

  async #evaluate(
    { model, engine, watch, rewards, verifiers, monitor, best }: RunParts,
    step: number,
  ): Promise<EvaluationScores | undefined> {
    if (this.config.data.eval.length === 0) return undefined;
    const started = performance.now();
    const evaluated = await evaluateModel(this.config, {
      model,
      engine: engine.engine,
      rewards,
      verifiers,
      step,
      onBadRow: (message) => this.#listen({ type: "bad-row", message }),
      onRowStore: rowStoreEvents(this.#listen),
      onProgress: (done, total) => this.#listen({ type: "evaluating", step, done, total }),
      interruption: this.options.interruption,
      signal: watch.signal,
    }).catch((error: unknown) => {
      if (!(error instanceof GivenUpWaiting)) throw error;
      return undefined;
    });
    if (!evaluated) return undefined;
    const { scores, records } = evaluated;
    monitor.write(records);
    best.note(records);
    // What was kept until its evaluation may now be neither among the newest nor the best.
    await this.#prune(best);
    this.#listen({ type: "evaluated", step, scores, seconds: (performance.now() - started) / 1000 });
    return scores;
  }

  async #save(parts: RunParts, step: number): Promise<string> {
    const path = this.folder.checkpointPath(step);
    // First: once the checkpoint is there, nobody computes this step again.
    await parts.monitor.flush();
    await saveCheckpoint(
      path,
      { step, position: parts.schedule.position },
      parts.model.policy,
      parts.learner,
      parts.schedule.ready,
    );
    await this.#prune(parts.best);
    this.#listen({ type: "saved", step, folder: path });
    return path;
  }

  #serverEvents(watch: WaitWatch) {
    return {
      onReport: (message: string) => this.#listen({ type: "engine", state: "found", message }),
      onWarning: (message: string) => this.#listen({ type: "warning", message }),
      onPause: (message: string) => {
        this.#listen({ type: "engine", state: "waiting", message });
        watch.pause();
      },
      onResume: (message: string) => {
        watch.resume();
        this.#listen({ type: "engine", state: "back", message });
      },
    };
  }

  async #prune(best: BestCheckpoint): Promise<void> {
    const steps = await this.folder.checkpointSteps();
    await pruneCheckpoints(
      steps,
      this.config.checkpoint.keep,
      (old) => this.folder.checkpointPath(old),
      best.of(steps)?.step,
    );
  }

  /**
   * Memory ran out in the step after `step`: the run is saved as it was before, if no update of the failed step was applied yet.
   *
   * @returns the error to end with, which says where the run can go on and with what
   */
  async #savedBefore(
    error: OutOfMemoryError,
    parts: RunParts,
    step: number,
    position: number,
    updates: number,
  ): Promise<TrainingMemoryError> {
    let last = (await this.folder.checkpointSteps()).at(-1);
    if (last !== step && parts.learner.step === updates) {
      parts.data.position = position;
      const saved = await this.#save(parts, step).catch(() => undefined);
      if (saved !== undefined) last = step;
    }
    const { microBatchTokens } = this.config.update;
    return new TrainingMemoryError({
      what: `Memory ran out in step ${step + 1}: ${error.message.split("\n")[0]}`,
      where: this.folder.path,
      expected: "room for a micro-batch of the model's activations",
      found: `update.microBatchTokens ${microBatchTokens}, rollout.promptsPerStep ${this.config.rollout.promptsPerStep} x ${this.config.rollout.n} answers`,
      fix: `lower update.microBatchTokens (--set update.microBatchTokens=${Math.max(256, Math.floor(microBatchTokens / 2))}): the result stays the same. ${last === undefined ? "Nothing is saved yet." : `The run is saved after step ${last}; give the same configuration with --resume and the lower number.`}`,
      cause: error,
    });
  }

  /** undefined for a run that was killed before its first checkpoint: it begins again. */
  async #lastCheckpoint(): Promise<{ folder: string; loaded: LoadedCheckpoint } | undefined> {
    const warn = (message: string): void => this.#listen({ type: "warning", message });
    const found = await newestWholeCheckpoint(
      await this.folder.checkpointSteps(),
      (step) => this.folder.checkpointPath(step),
      warn,
    );
    if (found === undefined) warn("The run had no checkpoint yet, so it begins again.");
    return found;
  }
}

interface RunParts {
  readonly model: LoadedModel;
  readonly best: BestCheckpoint;
  readonly data: TrainingData;
  readonly monitor: RunMonitor;
  readonly learner: Learner<TokenizedRollout>;
  readonly compute: Compute;
  readonly engine: RunEngine;
  readonly watch: WaitWatch;
  readonly rewards: RewardSource;
  /** Names that a sample's verifier may have. */
  readonly verifiers: readonly string[];
  readonly referenceLogProbs: ReferenceLogProbs | undefined;
  readonly schedule: RolloutSchedule;
}
