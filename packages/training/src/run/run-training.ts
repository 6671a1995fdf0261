/**
 * A training run: what it opens, in order, and the order of its steps, evaluations and checkpoints. The way of a sample
 * through a step is in sample-to-gradient.ts. A run prints nothing: views listen.
 */
import { OutOfMemoryError, selectBackend } from "@v-triune/backend";
import { VTriuneError } from "@v-triune/errors";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { createVerifierRegistry } from "@v-triune/verifiers";
import { noteEarlier, trackBest } from "../checkpoint/best-checkpoint";
import { readReadyRollouts } from "../checkpoint/ready-rollouts";
import { RunCheckpoints, lastCheckpoint } from "../checkpoint/run-checkpoints";
import type { TrainingConfig } from "../config/training-config";
import { openData } from "../data/open-data";
import { earlierEvaluations } from "../evaluation/earlier-evaluations";
import {
  type ModelParts,
  configuredProcessor,
  loadModel,
  modelArchitecture,
  processorFolder,
} from "../model/load-model";
import { usesGradientCheckpointing } from "../model/memory-estimate";
import { modelBoxes } from "../model/model-boxes";
import { roundedWeights } from "../model/rounded-weights";
import { openTeacher } from "../teacher/open-teacher";
import { openLocalTrainer } from "../parallel/open-local-trainer";
import { goOnAfterLoss } from "../remote/go-on-after-loss";
import { openRemoteTrainer } from "../remote/open-remote-trainer";
import { reportStep } from "../reporting/report-step";
import { openRunMonitor } from "../reporting/run-monitor";
import { type Resources, withResources } from "../resources";
import { checkResumedConfig } from "../run-folder/resume-config";
import { openRunFolder } from "../run-folder/run-folder";
import { openJudges, openRewards } from "../sampling/open-rewards";
import { openTurns } from "../sampling/open-turns";
import { RolloutSchedule } from "../sampling/rollout-schedule";
import { GivenUpWaiting, serverEvents, watchWaiting } from "../sampling/wait-watch";
import { rowStoreEvents } from "../training-event";
import { frozenGroups } from "../update/learner-config";
import { evaluateDuringRun } from "./run-evaluation";
import type { RunTrainingOptions, TrainingResult } from "./run-options";
import { sampleRollouts, updateWeights } from "./sample-to-gradient";
import { softwareVersions } from "./software-versions";
import { type StepLoop, runSteps } from "./step-loop";
import { trainingMemoryError } from "./training-memory-error";

/**
 * Runs or resumes training.
 *
 * @throws the typed errors of the boundaries it crosses: DatasetError, ConfigError, WeightsError, RunFolderError,
 *   WriteError, BackendError, TrainingMemoryError, TrainingDivergedError
 */
export async function runTraining(config: TrainingConfig, options: RunTrainingOptions = {}): Promise<TrainingResult> {
  try {
    if (!config.training) return await withResources((resources) => train(config, options, resources));
    return await goOnAfterLoss(options, (given, losses) =>
      withResources((resources) => train(config, given, resources, losses)),
    );
  } catch (error) {
    throw error instanceof GivenUpWaiting ? leftBeforeAStep(error, config) : error;
  }
}

/** A person left while a server was waited for before the first step of the run, or of the part that was taken up. */
function leftBeforeAStep(cause: GivenUpWaiting, { run, training }: TrainingConfig): VTriuneError {
  return new VTriuneError({
    what: "You left the run while it waited for a server; no step was made.",
    where: training?.engine.url ?? run.folder,
    expected: "a server that answers",
    fix: `when the server is up: v-triune train ${run.folder} --resume`,
    cause,
  });
}

/** No answer of a step was taught. */
function whyUntaught({ algorithm }: TrainingConfig): string {
  return algorithm.distillation?.picture === "look-at"
    ? "no sample says where to look (verifier_parm.look_at), so the teacher taught nothing."
    : "the teacher's server read other tokens than the policy wrote, so it taught nothing.";
}

/** @param losses how often a training server has lost the run's model so far */
async function train(
  config: TrainingConfig,
  options: RunTrainingOptions,
  resources: Resources,
  losses = 0,
): Promise<TrainingResult> {
  const { resume = false, overwrite = false, interruption, listen = () => {} } = options;
  const { signal } = interruption ?? {};
  const warn = (message: string): void => listen({ type: "warning", message });
  const onBadRow = (message: string): void => listen({ type: "bad-row", message });

  // Where the run lives, and where it goes on.
  const backend = await selectBackend({ prefer: config.backend });
  const folder = await resources.open(
    openRunFolder({ config, backend: backend.description, versions: softwareVersions(), resume, overwrite }),
    (opened) => opened.close(),
  );
  if (resume) checkResumedConfig(folder.description.config, config);
  const checkpoint = resume ? await lastCheckpoint(folder, listen) : undefined;
  const fromStep = checkpoint?.loaded.state.step ?? 0;

  // What is trained, and on what.
  const rounded = roundedWeights(config.model);
  if (rounded !== undefined) warn(rounded);
  const loaded = config.training
    ? undefined
    : await resources.open(
        loadModel(config.model, config.run.seed, {
          freeze: frozenGroups(config),
          checkpoint: checkpoint?.folder,
          decodeWith: config.rollout.decodeWith,
          computeWith: config.update.computeWith,
          gradientCheckpointing: await usesGradientCheckpointing(config, warn),
        }),
        (opened) => opened.policy.dispose(),
      );
  const model: ModelParts = loaded ?? {
    policy: { config: await modelArchitecture(config.model) },
    processor: await configuredProcessor(config.model),
  };
  const { processor } = model;
  const boxes = modelBoxes(config, model);
  const turns = await resources.open(openTurns(config, model, options.tools), (opened) => opened?.close());
  const watch = await resources.open(watchWaiting(interruption), (opened) => opened.dispose());
  const events = serverEvents(watch, listen);
  const teacher = await openTeacher(
    config,
    { ...model, parameters: loaded?.policy.parameters, freeze: frozenGroups(config) },
    resources,
    { signal: watch.signal, ...events },
  );
  const registry = createVerifierRegistry([...builtinVerifiers(), ...(options.verifiers ?? [])]);
  const judges = await openJudges(config.reward, options.asyncVerifiers);
  const verifiers = [...registry.names, ...judges.map(({ name }) => name)];
  const data = await openData(
    config,
    {
      processor,
      processorFolder: processorFolder(config.model, loaded && checkpoint?.folder),
      architecture: model.policy.config,
      verifiers,
      tools: turns?.offer,
      onBadRow,
      onRowStore: rowStoreEvents(listen),
    },
    resources,
  );

  // Where numbers go, what judges, what answers.
  const { sinks = [] } = options;
  const monitor = await resources.open(
    openRunMonitor({
      config: config.monitor,
      folder,
      sinks,
      onProblem: warn,
      onAlarm: (alarm) => listen({ type: "alarm", alarm }),
    }),
    (opened) => opened.close(),
  );
  const rewards =
    options.rewards ??
    (await resources.open(openRewards(config.reward, { registry, judges }, events), (opened) => opened.close?.()));

  // What computes and answers: this process, or a server that the model lies on.
  const { engine: passed } = options;
  const trainer = loaded
    ? await openLocalTrainer(
        { config, model: loaded, passed, fromStep, backend, signal, onProblem: warn, ...events },
        resources,
      )
    : await openRemoteTrainer(
        { config, model, passed, checkpoint: checkpoint?.folder, signal: watch.signal, ...events },
        resources,
      );
  const { compute, engine, learner, policy, foreignLogProbs } = trainer;
  if (checkpoint) {
    learner.importState(checkpoint.loaded.learner);
    data.place = checkpoint.loaded.place;
    if (checkpoint.loaded.teacher) teacher?.importState(checkpoint.loaded.teacher);
  }
  // A run that was saved before its first step evaluates again, so its evaluation at step 0 goes, too.
  const { evaluated } = resume ? await monitor.resumeAfter(fromStep === 0 ? -1 : fromStep) : { evaluated: false };

  // What is kept.
  const best = trackBest(config.checkpoint.keepBest);
  if (resume && config.checkpoint.keepBest !== null) await noteEarlier(best, folder.metricsPath);
  const checkpoints = new RunCheckpoints(config.checkpoint, folder, best, listen);
  const schedule = new RolloutSchedule({
    asyncLevel: config.rollout.asyncLevel,
    steps: config.run.steps,
    overlaps: trainer.overlaps,
    data,
    ready: checkpoint?.loaded.hasReadyRollouts
      ? await readReadyRollouts(checkpoint.folder, data, processor)
      : undefined,
    sample: (step, weights, calledOff) =>
      sampleRollouts(
        step,
        weights,
        { config, data, engine, rewards, processor, boxes, turns },
        {
          signal: AbortSignal.any([watch.signal, calledOff]),
          onProgress: (done, total) => listen({ type: "generating", step, done, total }),
        },
      ),
  });

  const loop: StepLoop = {
    async train(step) {
      const [place, updates, started] = [data.place, learner.step, performance.now()];
      try {
        const rollouts = await schedule.begin(step);
        const update = await updateWeights(step, rollouts.collected, {
          config,
          compute,
          referenceLogProbs: trainer.reference,
          teacher,
          foreignLogProbs,
        });
        teacher?.follow();
        if (update.distillation?.["distillation/taught"] === 0) warn(`Step ${step}: ${whyUntaught(config)}`);
        await schedule.end();
        // Not to be called off: the update has been made. All answers of the weights before are in.
        await trainer.showWeights(step);
        const seconds = (performance.now() - started) / 1000;
        const { patchSize } = processor.imageProcessor.settings;
        const { summary, records } = reportStep(rollouts, update, seconds, {
          config,
          monitor,
          patchSize,
          boxes,
          losses,
        });
        best.note(records);
        listen({ type: "step", summary });
        return summary;
      } catch (error) {
        await schedule.cancel(error);
        const isGivenUp = error instanceof GivenUpWaiting;
        // As it was before the step, unless an update of it was applied.
        if (isGivenUp || (error instanceof OutOfMemoryError && learner.step === updates)) data.place = place;
        if (isGivenUp) return undefined;
        if (!(error instanceof OutOfMemoryError)) throw error;
        const canSave = learner.step === updates && !(await checkpoints.has(step - 1));
        if (canSave) await loop.save(step - 1).catch(() => undefined);
        throw trainingMemoryError(error, config, step, await checkpoints.lastStep());
      }
    },
    async evaluate(step) {
      const started = performance.now();
      const found = await evaluateDuringRun(step, {
        config,
        model,
        engine,
        turns,
        rewards,
        verifiers,
        benchmarks: options.benchmarks ?? [],
        interruption,
        signal: watch.signal,
        listen,
      });
      if (!found) return undefined;
      const { scores, records } = found;
      monitor.write(records);
      best.note(records);
      // What was kept until its evaluation may now be neither among the newest nor the best.
      await checkpoints.prune();
      listen({ type: "evaluated", step, scores, seconds: (performance.now() - started) / 1000 });
      return scores;
    },
    async save(step) {
      // First: once the checkpoint is there, nobody computes this step again.
      await monitor.flush();
      return checkpoints.save(step, { place: schedule.place, policy, learner, ready: schedule.ready, teacher });
    },
    isSaved: (step) => checkpoints.has(step),
    isInterrupted: () => interruption?.requested ?? false,
    isAlarmed: () => monitor.stopRequested,
  };
  listen({
    type: "started",
    folder: folder.path,
    backend: trainer.description,
    trainable: trainer.trainable,
    samples: data.length,
    fromStep,
  });
  const evaluations = fromStep > 0 ? await earlierEvaluations(folder.metricsPath) : [];
  const done = await runSteps(config, { fromStep, evaluated, evaluations }, loop);
  if (done.interrupted) listen({ type: "interrupted", step: done.step });
  await monitor.flush();
  return { folder: folder.path, backend, ...done };
}
