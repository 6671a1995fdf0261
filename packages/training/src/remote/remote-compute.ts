/**
 * What computes a run where the model is on a server: log-probabilities and updates by a model of the Tinker API, answers
 * by samplers of it.
 *
 * Objective "own": one forward pass gives log π of every token; the objective and its derivatives are computed here; then
 * `importance_sampling` with the present log-probabilities and minus the derivatives as advantages. Its ratio is 1, so the
 * server's gradient is Σ derivative · ∇ log π: any loss, aggregation, KL term and correction, exactly.
 * Objective "server": where π_old is known, the server's own `ppo` does so in one pass.
 */
import { setMaxListeners } from "node:events";
import {
  type EvaluatedRows,
  type RowPlan,
  type TrainingRow,
  type UpdateGoal,
  type UpdateStats,
  aggregationWeights,
  clipCoefficient,
  evaluateRows,
  planRowsOf,
  scheduledLearningRate,
} from "@v-triune/grpo";
import type { TokenizedRollout } from "@v-triune/policy";
import type { EngineCompletion, RolloutEngine } from "@v-triune/rollouts";
import {
  type PassOutput,
  type Sampler,
  type TrainingModel,
  type WireDatum,
  chunkRows,
  modelInput,
} from "@v-triune/tinker";
import type { TrainingConfig } from "../config/training-config";
import type { Compute } from "../update/compute";
import { learningSchedule, updateGoal } from "../update/learner-config";
import { type Reduction, sumFactors } from "./reduction";
import type { WireRows } from "./wire-rows";

/** Requests for answers that are open at once. */
const PARALLEL = 64;

export interface RemoteComputeOptions {
  readonly model: TrainingModel;
  readonly config: TrainingConfig;
  readonly rows: WireRows;
  readonly reduction: Reduction;
  readonly objective: "own" | "server";
  /** Whether the engine's log-probabilities differ from the trainer's, so that the learner corrects for them. */
  readonly givesForeignLogProbs: boolean;
  /** Whether steps report the norm of the gradient. */
  readonly tellsNorm: boolean;
  /** Whether the same seed and number of a prompt give the same tokens, as in this process. */
  readonly drawsByNumber: boolean;
  /** Tokens that end an answer: not every server knows them of the model. */
  readonly endTokens: readonly number[];
  /** Ends what is waited for. */
  readonly signal: AbortSignal;
}

export class RemoteCompute implements Compute {
  readonly engine: RolloutEngine;
  readonly #options: RemoteComputeOptions;
  readonly #goal: UpdateGoal;
  /** Updates done, those of an earlier part of the run included. */
  #step = 0;
  #sampler: Promise<Sampler> | undefined;
  /** log π of rows by the weights as they are. */
  #known = new WeakMap<TokenizedRollout, Float32Array>();

  constructor(options: RemoteComputeOptions) {
    this.#options = options;
    this.#goal = updateGoal(options.config, options.givesForeignLogProbs);
    this.engine = {
      name: `the model at ${options.model.session.connection.transport.base}`,
      givesForeignLogProbs: options.givesForeignLogProbs,
      generate: (prompts, request) => this.#generate(prompts, request),
    };
  }

  get step(): number {
    return this.#step;
  }

  /** Goes on after this number of updates, with weights that the model was given elsewhere. */
  resumeAt(step: number): void {
    this.#step = step;
    this.#changed();
  }

  async logProbs(rows: readonly TokenizedRollout[]): Promise<Float32Array[]> {
    const unknown = rows.filter((row) => !this.#known.has(row));
    const found = await forwardLogProbs(this.#options, unknown);
    unknown.forEach((row, index) => this.#known.set(row, found[index]!));
    return rows.map((row) => this.#known.get(row)!);
  }

  async update(rows: readonly TrainingRow<TokenizedRollout>[]): Promise<UpdateStats> {
    const { model, config, objective, signal } = this.#options;
    const plan = planRowsOf(rows, this.#goal);
    const { forwarded } = plan;
    const byServer = objective === "server" && forwarded.length > 0 && forwarded.every((row) => row.oldLogProbs);
    const passed = byServer ? await this.#passByServer(plan) : await this.#passOwn(plan, rows);
    const { lr, betas, eps, weightDecay, maxGradNorm } = config.optimizer;
    const learningRate = scheduledLearningRate(learningSchedule(config), lr, this.#step);
    const { metrics } = await model.optimStep(
      {
        learning_rate: learningRate,
        beta1: betas[0],
        beta2: betas[1],
        eps,
        weight_decay: weightDecay,
        grad_clip_norm: maxGradNorm ?? 0,
      },
      { signal },
    );
    this.#step += 1;
    this.#changed();
    return this.#stats(plan, passed, { norm: gradientNormOf(metrics), learningRate });
  }

  async close(): Promise<void> {}

  #changed(): void {
    this.#sampler = undefined;
    this.#known = new WeakMap();
  }

  async #passOwn(plan: Plan, rows: readonly TrainingRow<TokenizedRollout>[]): Promise<Passed> {
    const { forwarded } = plan;
    const values = await this.logProbs(forwarded.map(({ row }) => row));
    const logProbs = new Map(forwarded.map(({ index }, at) => [index, values[at]!]));
    const evaluated = evaluateRows(plan, logProbs, this.#goal, this.#step + 1);
    // Without a row that moves anything, one that moves nothing: not every server steps without a gradient.
    const [first] = rows;
    const still = forwarded.length === 0 && first ? [first.row] : [];
    const stillLogProbs = await this.logProbs(still);
    await this.#send("importance_sampling", [
      ...forwarded.map(({ index, row }) => ({
        row,
        logprobs: logProbs.get(index)!,
        advantages: evaluated.gradients.get(index)!.map((gradient) => -gradient),
      })),
      ...still.map((row, at) => ({
        row,
        logprobs: stillLogProbs[at]!,
        advantages: new Float64Array(row.completionIds.length),
      })),
    ]);
    return { logProbs, evaluated };
  }

  async #passByServer(plan: Plan): Promise<Passed> {
    const { forwarded, counts } = plan;
    const { clipLow, clipHigh, aggregation } = this.#options.config.algorithm;
    const { maxNewTokens } = this.#options.config.rollout;
    const outputs = await this.#send(
      "ppo",
      forwarded.map((row) => {
        const weights = aggregationWeights(aggregation, row.mask, Math.max(1, row.length), counts, maxNewTokens);
        return {
          row: row.row,
          logprobs: row.oldLogProbs!,
          advantages: row.advantages.map((advantage, t) => advantage * weights[t]! * (row.importanceWeights?.[t] ?? 1)),
        };
      }),
      { clip_low_threshold: 1 - clipLow, clip_high_threshold: 1 + clipHigh },
    );
    const logProbs = new Map(forwarded.map(({ index }, at) => [index, outputs[at]!]));
    return { logProbs, evaluated: evaluateRows(plan, logProbs, this.#goal, this.#step + 1) };
  }

  /** One forward and backward pass of all rows, whose losses add up. @returns log π of each row before the update */
  async #send(
    loss: string,
    sent: readonly SentRow[],
    config?: Readonly<Record<string, number>>,
  ): Promise<Float32Array[]> {
    const { model, rows: wire, reduction, signal } = this.#options;
    const datums = await Promise.all(
      sent.map(({ row, ...values }) => wire.datum(row, { weights: row.completionIds.map(() => 1), ...values })),
    );
    const requests = chunkRows(datums);
    const lengths = new Map(datums.map((datum, index) => [datum, sent[index]!.row.completionIds.length]));
    const factors = sumFactors(
      reduction,
      requests.map((some) => some.map((datum) => lengths.get(datum)!)),
    );
    const found: Float32Array[] = [];
    for (const [q, request] of requests.entries()) {
      const scaled = request.map((datum, r) => scaledAdvantages(datum, factors[q]![r]!));
      const output = await model.forwardBackward(scaled, loss, { signal, ...(config ? { config } : {}) });
      found.push(
        ...completionLogProbs(
          output,
          request.map((datum) => lengths.get(datum)!),
        ),
      );
    }
    return found;
  }

  async *#generate(...[prompts, request]: Parameters<RolloutEngine["generate"]>): AsyncGenerator<EngineCompletion> {
    const { model, rows, drawsByNumber, endTokens } = this.#options;
    const signal = AbortSignal.any([this.#options.signal, ...(request.signal ? [request.signal] : [])]);
    signal.throwIfAborted();
    // Each open request listens to it.
    setMaxListeners(0, signal);
    this.#sampler ??= model.sampler({ signal }).catch((error: unknown) => {
      this.#sampler = undefined;
      throw error;
    });
    const sampler = await this.#sampler;
    const { n, temperature, topP, topK, maxNewTokens, seed } = request;
    const settings = { max_tokens: maxNewTokens, temperature, top_p: topP, top_k: topK ?? -1, stop: endTokens };
    const ask = async (promptIndex: number): Promise<EngineCompletion[]> => {
      const prompt = await rows.prompt(prompts[promptIndex]!);
      const { sequences } = await sampler.sample(modelInput(prompt.ids, prompt), {
        n,
        signal,
        ...(drawsByNumber
          ? { settings: { ...settings, seed }, promptNumber: promptIndex }
          : { settings: { ...settings, seed: (seed + promptIndex * n) % 2 ** 31 } }),
      });
      return sequences.map(({ tokens, logprobs, stop_reason }, sampleIndex) => ({
        promptIndex,
        sampleIndex,
        tokenIds: Int32Array.from(tokens),
        ...(logprobs ? { logProbs: Float32Array.from(logprobs) } : {}),
        finishReason: stop_reason,
      }));
    };
    const waiting = [...prompts.keys()];
    const open = new Map<number, Promise<{ index: number; answers: EngineCompletion[] }>>();
    while (waiting.length > 0 || open.size > 0) {
      while (waiting.length > 0 && open.size < PARALLEL) {
        const index = waiting.shift()!;
        open.set(
          index,
          ask(index).then((answers) => ({ index, answers })),
        );
      }
      // A failure ends the step; the other answers are not waited for.
      const { index, answers } = await Promise.race(open.values()).catch((error: unknown) => {
        for (const other of open.values()) other.catch(() => {});
        throw error;
      });
      open.delete(index);
      yield* answers;
    }
  }

  #stats(
    plan: Plan,
    { logProbs, evaluated }: Passed,
    { norm, learningRate }: { norm: number; learningRate: number },
  ): UpdateStats {
    const { counts, forwarded, rows } = plan;
    const { sums, correctionMetrics } = evaluated;
    const { maxGradNorm } = this.#options.config.optimizer;
    const share = (count: number): number => (counts.tokens > 0 ? count / counts.tokens : 0);
    const tokens = forwarded.reduce((sum, { row }) => sum + row.promptIds.length + row.completionIds.length - 1, 0);
    return {
      step: this.#step,
      loss: sums.loss,
      policyLoss: sums.policyLoss,
      kl: sums.kl,
      entropy: sums.entropy,
      divergence: sums.divergence,
      tokens: counts.tokens,
      sequences: counts.sequences,
      rows,
      forwardedRows: forwarded.length,
      forwardedTokens: sums.tokens,
      microBatches: 1,
      computedTokens: tokens,
      paddingShare: 0,
      clipFraction: share(sums.clippedLow + sums.clippedHigh),
      clipLowFraction: share(sums.clippedLow),
      clipHighFraction: share(sums.clippedHigh),
      clipOuterFraction: share(sums.clippedOuter),
      ppoKl: sums.tokens > 0 ? sums.oldMinusNew / sums.tokens : 0,
      ratioMean: sums.tokens > 0 ? sums.ratio / sums.tokens : 1,
      ratioMin: sums.tokens > 0 ? sums.ratioMin : 1,
      ratioMax: sums.tokens > 0 ? sums.ratioMax : 1,
      gradNorm: { total: norm, byGroup: {}, byLayer: {}, byParameter: {} },
      isNormUntold: !this.#options.tellsNorm,
      clipCoefficient: clipCoefficient(norm, maxGradNorm),
      learningRates: { language: learningRate },
      correction: correctionMetrics,
      logProbs,
    };
  }
}

type Plan = RowPlan<TokenizedRollout>;

/** A row of a pass; numbers are by completion token. */
interface SentRow {
  readonly row: TokenizedRollout;
  /** Of the policy that the ratio is against. */
  readonly logprobs: ArrayLike<number>;
  readonly advantages: ArrayLike<number>;
}

interface Passed {
  readonly logProbs: ReadonlyMap<number, Float32Array>;
  readonly evaluated: EvaluatedRows;
}

/** log π of each row's completion by a model on a server. */
export async function forwardLogProbs(
  { model, rows: wire, signal }: Pick<RemoteComputeOptions, "model" | "rows" | "signal">,
  rows: readonly TokenizedRollout[],
): Promise<Float32Array[]> {
  const asked = rows.filter(({ completionIds }) => completionIds.length > 0);
  if (asked.length === 0) return rows.map(() => new Float32Array());
  const data = await Promise.all(asked.map((row) => wire.datum(row, { weights: row.completionIds.map(() => 1) })));
  const output = await model.forward(data, "cross_entropy", { signal });
  const found = completionLogProbs(
    output,
    asked.map(({ completionIds }) => completionIds.length),
  );
  const byRow = new Map(asked.map((row, index) => [row, found[index]!]));
  return rows.map((row) => byRow.get(row) ?? new Float32Array());
}

function completionLogProbs({ loss_fn_outputs }: PassOutput, lengths: readonly number[]): Float32Array[] {
  return loss_fn_outputs.map((output, index) => {
    const { data } = output["logprobs"]!;
    return Float32Array.from(data.slice(data.length - lengths[index]!));
  });
}

function scaledAdvantages(datum: WireDatum, factor: number): WireDatum {
  const { advantages } = datum.loss_fn_inputs;
  if (factor === 1 || !advantages) return datum;
  const scaled = { ...advantages, data: advantages.data.map((value) => value * factor) };
  return { ...datum, loss_fn_inputs: { ...datum.loss_fn_inputs, advantages: scaled } };
}

/** The norm of the gradient among the metrics of a step, before clipping; NaN if the server does not tell. */
export function gradientNormOf(metrics: Readonly<Record<string, number>>): number {
  const name = Object.keys(metrics).find((key) => /(^|[./])grad_norm(:|$)/.test(key));
  return name === undefined ? Number.NaN : metrics[name]!;
}
