/**
 * How long a step takes on this machine, measured before a run: a few tokens are generated and one micro-batch is trained, with random weights of the
 * model's shape, and the times are scaled to a step whose answers all have full length, so that the estimate is an upper one.
 *
 *   generate  (prefill + maxNewTokens · token) · rows of a step / rows measured
 *             + for answers of several turns, all that tools may show them, at the prefill's speed
 *   update    seconds a token · tokens of a step · epochs, a third more where old log-probabilities are computed first
 *
 * A model of more than 100 M parameters is measured with one and with two of its layers and a small vocabulary, without pictures, and the difference is
 * counted for each of the others; its vision tower and the rest of its vocabulary are counted at the speed that the layers had.
 */
import { availableParallelism, loadavg, platform } from "node:os";
import { type BackendChoice, selectBackend } from "@v-triune/backend";
import { createLearner } from "@v-triune/grpo";
import { type ParameterShape, type VlmConfig, createVlm, parameterShapes, randomWeights } from "@v-triune/policy";
import type { PreparedPrompt } from "@v-triune/rollouts";
import { answerTokens, frozenGroups, isOffPolicy, learnerConfig, openCompute, workerCount } from "@v-triune/training";
import type { TrainingConfig } from "@v-triune/training/config";
import { formatDuration } from "../terminal/duration";

/** Seconds. */
export interface TimeEstimate {
  readonly backend: string;
  /** Other processes that wanted a core when the measurement began; null on Windows, which does not say. */
  readonly load: number | null;
  readonly generate: number;
  readonly update: number;
  readonly step: number;
  readonly run: number;
}

interface Speed {
  /** Of the measured prompts, all rows at once. */
  readonly prefill: number;
  /** One more token for each row. */
  readonly token: number;
  readonly updatePerToken: number;
  readonly rows: number;
}

const wholeBelow = 100e6;
/** Prompts measured, and answers to each. */
const measured = { prompts: 2, answers: 4 };
const shortVocabulary = 4096;

/** @param prompts the first prompts of the run, prepared */
export async function estimateTime(
  config: TrainingConfig,
  architecture: VlmConfig,
  prompts: readonly PreparedPrompt[],
  sourceFolder: string,
): Promise<TimeEstimate> {
  const load = platform() === "win32" ? null : (loadavg()[0] ?? null);
  const backend = await selectBackend({ prefer: config.backend });
  const chosen = prompts.slice(0, measured.prompts);
  const parameters = sizeOf(architecture, () => true);
  const { promptsPerStep, n, maxNewTokens } = config.rollout;
  const promptTokens = mean(prompts.map(({ promptIds }) => promptIds.length));
  const rows = promptsPerStep * n;
  let speed: Speed;
  let pictures = 0;
  if (parameters < wholeBelow) {
    speed = await measure(config, architecture, chosen, backend, sourceFolder);
  } else {
    const texts = chosen.map((prompt): PreparedPrompt => {
      const { images: _, ...rest } = prompt;
      return { ...rest, promptIds: Int32Array.from(prompt.promptIds, (_id, index) => 10 + (index % 1000)) };
    });
    const [one, two] = [
      await measure(config, thinned(architecture, 1), texts, backend, sourceFolder),
      await measure(config, thinned(architecture, 2), texts, backend, sourceFolder),
    ];
    const more = architecture.text.numLayers - 1;
    const grown = (key: "prefill" | "token" | "updatePerToken"): number =>
      one[key] + more * Math.max(0, two[key] - one[key]);
    const layer = sizeOf(architecture, ({ group, layer }) => group === "language" && layer === 0);
    // Seconds that a forward pass takes a parameter and token: of a prompt, and of a single token.
    const tokens = mean(texts.map(({ promptIds }) => promptIds.length)) * texts.length;
    const dense = Math.max(0, two.prefill - one.prefill) / Math.max(1, layer * tokens);
    const single = Math.max(0, two.token - one.token) / Math.max(1, layer * one.rows);
    const head = architecture.text.hiddenSize * Math.max(0, architecture.text.vocabSize - shortVocabulary);
    speed = {
      prefill: grown("prefill"),
      token: grown("token") + single * head * one.rows,
      updatePerToken: grown("updatePerToken") + 3 * dense * head,
      rows: one.rows,
    };
    const tower = sizeOf(architecture, ({ group }) => group !== "language");
    const patches = mean(
      chosen.map(({ images }) => (images?.gridThw ?? []).reduce((sum, [t, h, w]) => sum + t * h * w, 0)),
    );
    // Once for generation and once for the update, backwards too where it is trained.
    pictures = dense * tower * patches * promptsPerStep * (config.optimizer.groups.vision.freeze ? 2 : 4);
  }
  const answer = answerTokens(config.rollout);
  // What tools show between turns is computed as a prompt is, for each answer.
  const shown = ((answer - maxNewTokens) * speed.prefill) / Math.max(1, promptTokens * chosen.length);
  const generate = ((speed.prefill + speed.token * maxNewTokens) * rows) / speed.rows + shown * rows + pictures / 2;
  const update =
    speed.updatePerToken * rows * (promptTokens + answer) * config.update.epochs * (isOffPolicy(config) ? 4 / 3 : 1) +
    pictures / 2;
  return {
    backend: backend.description,
    load,
    generate,
    update,
    step: generate + update,
    run: (generate + update) * config.run.steps,
  };
}

async function measure(
  config: TrainingConfig,
  architecture: VlmConfig,
  prompts: readonly PreparedPrompt[],
  backend: BackendChoice,
  sourceFolder: string,
): Promise<Speed> {
  const { adapter } = config.model;
  const policy = createVlm(architecture, randomWeights(architecture, { seed: 1 }), {
    sourceFolder,
    ...(adapter === null
      ? { freeze: frozenGroups(config) }
      : {
          adapter: {
            rank: adapter.rank,
            alpha: adapter.alpha,
            seed: 1,
            ...(adapter.targetModules === null ? {} : { targetModules: adapter.targetModules }),
          },
        }),
  });
  const learner = createLearner(learnerConfig(config, policy));
  const compute = await openCompute({
    policy,
    learner,
    config,
    backend: backend.name,
    workers: workerCount(config.workers),
    onProblem: () => {},
  });
  try {
    const generate = async (maxNewTokens: number) => {
      const started = performance.now();
      const completions = [];
      for await (const completion of compute.engine.generate(prompts, {
        n: measured.answers,
        temperature: 1,
        topP: 1,
        topK: null,
        maxNewTokens,
        seed: 1,
      }))
        completions.push(completion);
      return { completions, seconds: (performance.now() - started) / 1000 };
    };
    await generate(1);
    const short = await generate(4);
    const long = await generate(12);
    const token = Math.max(0, (long.seconds - short.seconds) / 8);
    const training = long.completions.map(({ promptIndex, tokenIds }, index) => {
      const prompt = prompts[promptIndex]!;
      // Random weights draw placeholders, too.
      const completionIds = tokenIds.map((id) =>
        id === architecture.imageTokenId || id === architecture.videoTokenId ? prompt.promptIds.at(-1)! : id,
      );
      return {
        row: {
          promptIds: prompt.promptIds,
          completionIds,
          group: promptIndex,
          ...(prompt.images ? { images: prompt.images } : {}),
        },
        advantage: index % 2 === 0 ? 1 : -1,
      };
    });
    await compute.update(training);
    const started = performance.now();
    await compute.update(training);
    const seconds = (performance.now() - started) / 1000;
    const tokens = training.reduce((sum, { row }) => sum + row.promptIds.length + row.completionIds.length, 0);
    return {
      prefill: Math.max(0, short.seconds - 4 * token),
      token,
      updatePerToken: seconds / Math.max(1, tokens),
      rows: training.length,
    };
  } finally {
    await compute.close();
    learner.dispose();
    policy.dispose();
  }
}

/** The same widths with the given number of layers, a small vocabulary and a vision tower of one block. */
function thinned(architecture: VlmConfig, layers: number): VlmConfig {
  return {
    ...architecture,
    text: { ...architecture.text, numLayers: layers, vocabSize: shortVocabulary },
    vision: { ...architecture.vision, depth: 1 },
    imageTokenId: 1,
    videoTokenId: 2,
    visionStartTokenId: 3,
    visionEndTokenId: 4,
    eosTokenIds: [5],
    bosTokenId: undefined,
    padTokenId: undefined,
  };
}

function sizeOf(architecture: VlmConfig, counts: (shape: ParameterShape) => boolean): number {
  return parameterShapes(architecture).reduce(
    (sum, one) => sum + (counts(one) ? one.shape.reduce((product, length) => product * length, 1) : 0),
    0,
  );
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** The estimate as lines. */
export function formatTime(
  { backend, load, generate, update, step, run }: TimeEstimate,
  { rollout, run: { steps } }: TrainingConfig,
): string {
  return [
    `Time, at most ${formatDuration(step)} a step, ${formatDuration(run)} for ${steps} steps, without evaluation`,
    `  generation          ${formatDuration(generate)}  (answers of all ${rollout.maxNewTokens} tokens; shorter ones end sooner)`,
    `  update              ${formatDuration(update)}`,
    `  measured here on ${backend}`,
    ...(load !== null && load >= 1 ? [busyLine(load, availableParallelism())] : []),
  ].join("\n");
}

/** What the estimate is worth on a machine that does other work. */
const busyLine = (load: number, cores: number): string =>
  `  at a load of ${load.toFixed(1)} on ${cores} cores: without that other work it takes less`;
