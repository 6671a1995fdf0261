/**
 * The model of a run on a server: probed, created or loaded from what the last checkpoint saved there, and given to the run
 * as what computes. A checkpoint holds the address of the weights; the weights stay on the server.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "@v-triune/errors";
import { type VlmConfig, countAdapterValues, parameterShapes } from "@v-triune/policy";
import type { RolloutEngine } from "@v-triune/rollouts";
import { TinkerError, type TinkerSession, type TrainingModel, completionDatum, connectTinker } from "@v-triune/tinker";
import type { TrainerEngineConfig, TrainingConfig } from "../config/training-config";
import { type ModelParts, REMOTE_WEIGHTS_FILE } from "../model/load-model";
import type { Resources } from "../resources";
import { writeFileAtomic } from "../run-folder/write-file-atomic";
import type { Compute } from "../update/compute";
import type { RunTrainer } from "../update/run-trainer";
import { type TrainerReport, checkTrainer, probeTrainer, trainerWarnings } from "./probe-trainer";
import { RemoteCompute, forwardLogProbs } from "./remote-compute";
import { WireRows } from "./wire-rows";

/** What {@link REMOTE_WEIGHTS_FILE} holds. */
interface RemoteWeights {
  readonly format: 1;
  readonly url: string;
  readonly model: string;
  /** `tinker://..` */
  readonly path: string;
}

export interface RemoteTrainerOptions {
  readonly config: TrainingConfig;
  readonly model: ModelParts;
  /** An engine that was passed to the run: there must be none. */
  readonly passed: RolloutEngine | undefined;
  /** The folder of the checkpoint that the run goes on from. */
  readonly checkpoint: string | undefined;
  /** Ends what is waited for, when a person leaves the run. */
  readonly signal: AbortSignal;
  readonly onPause: (message: string) => void;
  readonly onResume: (message: string) => void;
  readonly onReport: (message: string) => void;
  readonly onWarning: (message: string) => void;
}

/**
 * @throws TinkerError for a server that refuses or has lost what the run needs; ConfigError for one that would compute
 *   something else than the configuration says
 */
export async function openRemoteTrainer(options: RemoteTrainerOptions, resources: Resources): Promise<RunTrainer> {
  const { config, model, passed, checkpoint, signal, onReport, onWarning, onPause, onResume } = options;
  const engine = trainerEngine(config, passed);
  const client = await connectTinker(
    {
      url: engine.url,
      apiKey: readKey(engine.apiKey, "training.engine.apiKey"),
      patienceMs: Number.POSITIVE_INFINITY,
      onPause,
      onResume,
    },
    signal,
  );
  const open = (): Promise<TinkerSession> =>
    resources.open(client.createSession({ tags: ["v-triune", config.run.name], signal }), async (session) =>
      session.close(),
    );
  const session = await open();
  const report = await probeTrainer({
    session,
    url: engine.url,
    model: engine.model,
    adapter: engine.adapter,
    drawsByNumber: client.capabilities.v_triune != null,
    processor: model.processor,
    endTokens: model.policy.config.eosTokenIds,
    signal,
  });
  await writeFileAtomic(join(config.run.folder, "trainer-probe.json"), `${JSON.stringify(report, null, 2)}\n`);
  checkTrainer(report, {
    maxGradNorm: config.optimizer.maxGradNorm,
    weightDecay: config.optimizer.weightDecay,
    objective: engine.objective,
  });
  for (const warning of trainerWarnings(report)) onWarning(warning);
  onReport(`${engine.model} at ${engine.url}: loss by ${report.reduction}; what else it does is in trainer-probe.json`);

  const lora = engine.adapter && { rank: engine.adapter.rank, seed: config.run.seed };
  const saved = checkpoint === undefined ? undefined : await readRemoteWeights(checkpoint);
  const create = (): Promise<TrainingModel> => {
    const made = session.createModel({ baseModel: engine.model, lora, signal });
    // Its place on the server is free at once, and not only when the session has been silent for a while.
    return resources.open(made, (opened) => opened.unload({ signal: AbortSignal.timeout(5000) }).catch(() => {}));
  };
  const trained = await create();
  if (saved)
    await trained.load(saved.path, { signal }).catch(async (error: unknown) => {
      const found = await lossOrFailure(error, trained, signal);
      // The model is there, and its weights are not.
      throw found === error && error instanceof TinkerError && error.code === "lost"
        ? weightsGone(saved.path, error)
        : found;
    });
  const rows = new WireRows(model.processor);
  const foreignLogProbs = report.samplerDifference > 1e-4;
  const compute = new RemoteCompute({
    model: trained,
    config,
    rows,
    reduction: report.reduction,
    objective: engine.objective,
    givesForeignLogProbs: foreignLogProbs,
    tellsNorm: report.abilities.gradient_norm.found === true,
    drawsByNumber: report.drawsByNumber,
    endTokens: model.policy.config.eosTokenIds,
    signal,
  });
  // A model that is never trained is the one that the run began with.
  const still = config.algorithm.kl.coefficient === 0 ? undefined : await create();
  /** Of failures: those of a server that no longer has the model are losses. */
  const told = <T>(work: Promise<T>): Promise<T> =>
    work.catch(async (error: unknown) => {
      throw withCommand(await lossOrFailure(error, trained, signal), config);
    });
  const computed = withWayOut(compute, told, config, report.abilities.pictures.found === true);
  return {
    compute: computed,
    engine: computed.engine,
    overlaps: false,
    showWeights: async () => {},
    reference: still && ((asked) => told(forwardLogProbs({ model: still, rows, signal }, asked))),
    policy: {
      async save(folder) {
        const run = config.run.name.replace(/[^\w.-]+/g, "-").slice(0, 80);
        const name = `update-${String(compute.step).padStart(6, "0")}-${run}`;
        const path = await told(trained.save(name, { signal })).catch((error: unknown) => {
          throw signal.aborted ? leftWaiting(engine.url, config) : error;
        });
        const found: RemoteWeights = { format: 1, url: engine.url, model: engine.model, path };
        await writeFile(join(folder, REMOTE_WEIGHTS_FILE), `${JSON.stringify(found, null, 2)}\n`);
      },
    },
    learner: {
      get step() {
        return compute.step;
      },
      // Moments are saved on the server, with the weights.
      exportState: () => ({ optimizer: { step: compute.step, moments: {} } }),
      importState: ({ optimizer }) => compute.resumeAt(optimizer.step),
    },
    foreignLogProbs,
    trainable: trainedValues(model.policy.config, engine.adapter),
    description: `${engine.model} at ${engine.url}`,
  };
}

/**
 * What a server does, on a model of its own; for people who want to know before a run depends on it.
 *
 * @throws TinkerError for a server that cannot be reached or does not have the model
 */
export async function tryTrainer(
  {
    url,
    apiKey,
    model,
    adapter,
  }: Pick<TrainerEngineConfig, "url" | "model" | "adapter"> & { readonly apiKey?: string | undefined },
  parts?: ModelParts,
): Promise<TrainerReport> {
  const client = await connectTinker({ url, apiKey, patienceMs: 0 });
  const session = await client.createSession({ tags: ["v-triune", "probe"] });
  try {
    return await probeTrainer({
      session,
      url,
      model,
      adapter,
      drawsByNumber: client.capabilities.v_triune != null,
      processor: parts?.processor,
      endTokens: parts?.policy.config.eosTokenIds,
    });
  } finally {
    session.close();
  }
}

/** @throws ConfigError when an engine was passed besides: two could not answer for one model */
function trainerEngine({ training }: TrainingConfig, passed: RolloutEngine | undefined): TrainerEngineConfig {
  if (!training) throw new TypeError("the run has no training.engine");
  if (!passed) return training.engine;
  throw new ConfigError({
    what: "A server that trains the model also answers with it.",
    where: "the engine that was passed to runTraining",
    expected: "none besides training.engine",
    found: passed.name,
    fix: "leave one of them out",
  });
}

/** The key that `env:NAME` names. @throws ConfigError if the variable is not set */
export function readKey(apiKey: string | null, where: string): string | undefined {
  if (apiKey === null) return undefined;
  const name = apiKey.replace(/^env:/, "");
  const key = process.env[name];
  if (key) return key;
  throw new ConfigError({
    what: "The key of the server is missing.",
    where,
    expected: `the environment variable ${name}`,
    found: "none of that name",
    fix: `set ${name}, or leave ${where} out`,
  });
}

async function readRemoteWeights(folder: string): Promise<RemoteWeights> {
  const file = join(folder, REMOTE_WEIGHTS_FILE);
  try {
    return JSON.parse(await readFile(file, "utf8")) as RemoteWeights;
  } catch (cause) {
    throw new ConfigError({
      what: "The checkpoint has no weights on a training server.",
      where: file,
      expected: "the address of weights that the run saved there",
      found: (cause as Error).message,
      fix: "resume with the training.engine that the run began with",
      cause,
    });
  }
}

/**
 * A failure of a model that cannot compute a single row either is the loss of the model: servers that were started again
 * over their old database know its name, and fail at its work. The error itself is returned if the model computes.
 */
async function lossOrFailure(error: unknown, model: TrainingModel, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof TinkerError) || !["failed", "lost"].includes(error.code)) return error;
  try {
    await model.forward([completionDatum({ ids: [0, 1] }, [2], { weights: [1] })], "cross_entropy", { signal });
    return error;
  } catch {
    signal.throwIfAborted();
    const { details, status, category } = error;
    const what = "The server fails at all work of the model, as after it was started again.";
    return new TinkerError({ ...details, what, code: "lost", status, category, cause: error });
  }
}

/** Losses say how the run can be taken up again. */
function withCommand(error: unknown, config: TrainingConfig): unknown {
  if (!(error instanceof TinkerError) || !["lost", "uncertain"].includes(error.code)) return error;
  const { details, status, category } = error;
  return new TinkerError({
    ...details,
    code: error.code,
    fix: `go on from the last checkpoint: v-triune train ${config.run.folder} --resume`,
    status,
    category,
    cause: error,
  });
}

/** Failures are told as `told` does; pictures go only to a model that sees them. */
function withWayOut(
  compute: RemoteCompute,
  told: <T>(work: Promise<T>) => Promise<T>,
  config: TrainingConfig,
  seesPictures: boolean,
): Compute {
  const { engine } = compute;
  return {
    engine: {
      ...engine,
      async *generate(prompts, request) {
        const blind = seesPictures ? undefined : prompts.find(({ images }) => images);
        if (blind)
          throw new ConfigError({
            what: "The training server does not see pictures, and the data has some.",
            where: `${config.training?.engine.url}, ${blind.id}`,
            expected: "a server whose log-probabilities depend on the picture",
            found: "see pictures in trainer-probe.json",
            fix: "use a server that sees them (docs/tinker.md), train on data without pictures, or with the local policy",
          });
        try {
          yield* engine.generate(prompts, request);
        } catch (error) {
          await told(Promise.reject(error));
        }
      },
    },
    logProbs: (rows) => told(compute.logProbs(rows)),
    update: (rows) => told(compute.update(rows)),
    close: () => compute.close(),
  };
}

/** Coming back to the same checkpoint would not help. */
function weightsGone(path: string, { found }: TinkerError): TinkerError {
  return new TinkerError({
    what: "The training server does not have the weights of the checkpoint.",
    where: path,
    found,
    fix: "start the server with the folder of its saved weights; an earlier checkpoint is used if this one's folder is removed",
    code: "refused",
  });
}

function leftWaiting(url: string, config: TrainingConfig): TinkerError {
  return new TinkerError({
    what: "The run was left while its training server was away, so its last steps are not saved.",
    where: url,
    fix: `when the server is back, go on from the last checkpoint: v-triune train ${config.run.folder} --resume`,
    code: "unreachable",
  });
}

/** Numbers that are trained, as far as the API says which. */
function trainedValues(config: VlmConfig, adapter: { readonly rank: number } | null): number {
  const shapes = parameterShapes(config);
  if (!adapter) return shapes.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const targetModules = ".*language_model.*\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)";
  return countAdapterValues(shapes, { rank: adapter.rank, targetModules });
}
