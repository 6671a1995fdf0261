/**
 * Tries what a server of the Tinker API really does, on a model of its own that is unloaded at the end. Servers answer 200
 * to what they ignore, so each ability is measured: by gradients of known batches, by log-probabilities before and
 * after a step.
 */
import { ConfigError } from "@v-triune/errors";
import type { Processor } from "@v-triune/policy";
import {
  type AdamSettings,
  TinkerError,
  type TinkerPrompt,
  type TinkerSession,
  type TokenValues,
  type TrainingModel,
  completionDatum,
  modelInput,
} from "@v-triune/tinker";
import { type Reduction, reductionOf } from "./reduction";
import { gradientNormOf } from "./remote-compute";

/** Whether a server does something: measured, or why it could not be. */
export type Finding =
  | { readonly found: true; readonly detail: string }
  | { readonly found: false; readonly detail: string }
  | { readonly found: null; readonly detail: string };

export const TRAINER_ABILITIES = [
  "gradient_norm",
  "learning_rate",
  "epsilon",
  "betas",
  "weight_decay",
  "clipping",
  "clip_bounds",
  "pictures",
  "token_counts",
  "same_log_probs",
  "end_tokens",
  "saving",
  "deduplication",
] as const;

export type TrainerAbility = (typeof TRAINER_ABILITIES)[number];

export interface TrainerReport {
  readonly url: string;
  readonly model: string;
  readonly adapter: { readonly rank: number } | null;
  /** Undefined: not one of those that can be undone. */
  readonly reduction: Reduction | undefined;
  /** Largest difference of a token's log-probability between sampler and trainer. */
  readonly samplerDifference: number;
  /** Whether the server is one of @v-triune, which draws a prompt's answers by its number. */
  readonly drawsByNumber: boolean;
  readonly abilities: Readonly<Record<TrainerAbility, Finding>>;
}

export interface ProbeTrainerOptions {
  readonly session: TinkerSession;
  readonly url: string;
  readonly model: string;
  readonly adapter: { readonly rank: number } | null;
  readonly drawsByNumber: boolean;
  /** Tokenizer and picture settings of the model; without it pictures are not tried. */
  readonly processor?: Processor | undefined;
  /** Ids that end an answer. */
  readonly endTokens?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** 56 × 56 pixels, red and blue. */
const PICTURES = [
  "iVBORw0KGgoAAAANSUhEUgAAADgAAAA4CAIAAAAn5KxJAAAAQElEQVR42u3OQQkAAAgAsetfWh+mEAYLsKZeSFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRU9CwicjR1t9nCvQAAAABJRU5ErkJggg==",
  "iVBORw0KGgoAAAANSUhEUgAAADgAAAA4CAIAAAAn5KxJAAAAP0lEQVR42u3OAQkAAAjAsPcvrWALYbAAq+YJUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVFRUVHRs7l7NHVoIEJ1AAAAAElFTkSuQmCC",
].map((base64) => Buffer.from(base64, "base64"));

const PROMPT: TinkerPrompt = { ids: [10, 11, 12] };
const SHORT = [13, 14, 15, 16];
const LONG = [17, 18, 19, 20, 21, 22, 23, 24];
const ones = (values: readonly number[]): number[] => values.map(() => 1);

/**
 * A step that is about minus `rate` times a small gradient, where betas and epsilon count. Settings stay within what
 * servers take: hatchery refuses a rate or a decay above 10, and an epsilon above 1.
 */
const linear = (rate: number): AdamSettings => ({ learning_rate: rate, beta1: 0, beta2: 0, eps: 1 });

/**
 * @returns what the server does; about thirty short requests
 * @throws TinkerError for a server that cannot be reached, or does not have the model
 */
export async function probeTrainer(options: ProbeTrainerOptions): Promise<TrainerReport> {
  const { session, url, model: baseModel, adapter, drawsByNumber, signal } = options;
  const lora = adapter && { rank: adapter.rank, seed: 1 };
  const create = (load?: string): Promise<TrainingModel> =>
    session.createModel({ baseModel, lora, ...(load === undefined ? {} : { load }), ...(signal ? { signal } : {}) });
  const model = await create();
  try {
    const probe = new Probe(model, create, signal);
    // A new adapter adds nothing, and its first matrix has no gradient: one step makes it a model like any other.
    await probe.pass("cross_entropy", [{ tokens: LONG }]);
    await probe.step({ learning_rate: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8 });
    const norm = await probe.norms();
    const adam = await probe.adam();
    const { finding: sameLogProbs, difference } = await probe.samplerAgainstTrainer(options.processor);
    // A server that tells no norm shows its gradient by how far it moves.
    const canMove = adam.epsilon.found === true && adam.betas.found === true;
    const reduction = norm.told.found || !canMove ? norm.reduction : await probe.reductionByMoves(difference);
    const { pictures, tokenCounts } = await probe.pictures(options.processor);
    return {
      url,
      model: baseModel,
      adapter,
      reduction,
      samplerDifference: difference,
      drawsByNumber,
      abilities: {
        gradient_norm: norm.told,
        ...adam,
        clip_bounds: norm.bounds,
        pictures,
        token_counts: tokenCounts,
        same_log_probs: sameLogProbs,
        end_tokens: await probe.endTokens(options.endTokens),
        saving: await probe.saving(adapter, difference),
        deduplication: session.connection.deduplicates
          ? { found: true, detail: "the server says so" }
          : { found: null, detail: "not tried; after a broken connection a run goes back to its last checkpoint" },
      },
    };
  } finally {
    await model.unload().catch(() => {});
  }
}

/** Whether the server does it. */
export function does(report: TrainerReport, ability: TrainerAbility): boolean {
  return report.abilities[ability].found === true;
}

interface ProbeRow {
  readonly tokens: readonly number[];
  readonly advantage?: number;
  /** Added to the present log-probabilities to give the old ones. */
  readonly shift?: number;
}

class Probe {
  constructor(
    readonly model: TrainingModel,
    /** Another model like it, from saved weights. */
    readonly create: (load: string) => Promise<TrainingModel>,
    readonly signal: AbortSignal | undefined,
  ) {}

  async logProbs(tokens: readonly number[], prompt: TinkerPrompt = PROMPT): Promise<number[]> {
    const row = completionDatum(prompt, tokens, { weights: ones(tokens) });
    const output = await this.model.forward([row], "cross_entropy", { signal: this.signal });
    return output.loss_fn_outputs[0]!["logprobs"]!.data.slice(-tokens.length);
  }

  async pass(loss: string, rows: readonly ProbeRow[], config?: Readonly<Record<string, number>>): Promise<void> {
    const data = [];
    for (const { tokens, advantage = 1, shift = 0 } of rows) {
      const values: TokenValues =
        loss === "cross_entropy"
          ? {}
          : {
              logprobs: (await this.logProbs(tokens)).map((value) => value + shift),
              advantages: tokens.map(() => advantage),
            };
      data.push(completionDatum(PROMPT, tokens, { weights: ones(tokens), ...values }));
    }
    await this.model.forwardBackward(data, loss, { signal: this.signal, ...(config ? { config } : {}) });
  }

  step(adam: AdamSettings): Promise<number> {
    return this.model.optimStep(adam, { signal: this.signal }).then(({ metrics }) => gradientNormOf(metrics));
  }

  /** The norm of some rows' gradient; nothing moves. */
  async norm(
    loss: string,
    requests: readonly (readonly ProbeRow[])[],
    config?: Record<string, number>,
  ): Promise<number> {
    for (const rows of requests) await this.pass(loss, rows, config);
    return this.step({ ...linear(0), learning_rate: 1e-30 });
  }

  /** How the loss is made of tokens, and what ppo's bounds are, by norms of known batches. */
  async norms(): Promise<{ reduction: Reduction | undefined; told: Finding; bounds: Finding }> {
    const short = { tokens: SHORT };
    const alone = await this.norm("importance_sampling", [[short]]);
    if (!Number.isFinite(alone) || alone === 0) {
      const untold = { found: null, detail: "the server tells no norm of the gradient" } as const;
      return { reduction: undefined, told: { found: false, detail: untold.detail }, bounds: untold };
    }
    const withLongRow = (await this.norm("importance_sampling", [[short, { tokens: LONG, advantage: 0 }]])) / alone;
    const twoRequests = (await this.norm("importance_sampling", [[short], [short]])) / alone;
    // The ratio is 1.22 everywhere: inside 0.8 .. 1.28, outside 0.8 .. 1.2.
    const shifted = [[{ tokens: SHORT, shift: -0.2 }]];
    const inside = await this.norm("ppo", shifted, { clip_low_threshold: 0.8, clip_high_threshold: 1.28 });
    const outside = await this.norm("ppo", shifted, { clip_low_threshold: 0.8, clip_high_threshold: 1.2 });
    const isBound = Math.abs(inside / alone - Math.exp(0.2)) < 0.02 && outside < alone * 1e-3;
    return {
      reduction: reductionOf({ withLongRow, twoRequests }),
      told: { found: true, detail: `${alone.toPrecision(4)} for one row` },
      bounds: {
        found: isBound,
        detail: `ratio 1.22: ${(inside / alone).toFixed(3)} of the gradient within 0.8 to 1.28, ${(outside / alone).toFixed(3)} outside 0.8 to 1.2`,
      },
    };
  }

  /**
   * How the loss is made of tokens, by how far steps along known gradients move a row's log-probability. Coarse, as the
   * gradient changes on the way: the reductions differ by factors of 1.5 and more.
   *
   * @param rounding of the server's log-probabilities, which a move must exceed
   */
  async reductionByMoves(rounding: number): Promise<Reduction | undefined> {
    const total = async (): Promise<number> => (await this.logProbs(SHORT)).reduce((a, b) => a + b, 0);
    const moved = async (rate: number, requests: readonly (readonly ProbeRow[])[]): Promise<number> => {
      const before = await total();
      for (const rows of requests) await this.pass("importance_sampling", rows);
      await this.step(linear(rate));
      const after = await total();
      // Back again.
      for (const rows of requests)
        await this.pass(
          "importance_sampling",
          rows.map((row) => ({ ...row, advantage: -(row.advantage ?? 1) })),
        );
      await this.step(linear(rate));
      return after - before;
    };
    const short = { tokens: SHORT };
    const farEnough = Math.max(0.01, Math.min(0.4, 10 * rounding));
    let rate = 1e-5;
    let alone = await moved(rate, [[short]]);
    while (alone < farEnough && rate < 3) {
      rate *= 3;
      alone = await moved(rate, [[short]]);
    }
    if (alone < farEnough) return undefined;
    const withLongRow = (await moved(rate, [[short, { tokens: LONG, advantage: 0 }]])) / alone;
    const twoRequests = (await moved(rate, [[short], [short]])) / alone;
    return reductionOf({ withLongRow, twoRequests }, 0.25);
  }

  /** Which of AdamW's settings count, by what a step does to a token's log-probability. */
  async adam(): Promise<Record<"learning_rate" | "epsilon" | "betas" | "weight_decay" | "clipping", Finding>> {
    const moved = async (adam: AdamSettings, advantage = 1): Promise<number> => {
      const before = await this.logProbs(SHORT);
      await this.pass("importance_sampling", [{ tokens: SHORT, advantage }]);
      await this.step(adam);
      const after = await this.logProbs(SHORT);
      return Math.max(...after.map((value, t) => Math.abs(value - before[t]!)));
    };
    const usual: AdamSettings = { learning_rate: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0 };
    const reference = await moved(usual);
    const still = reference * 1e-2;
    const finding = (found: boolean, moves: number): Finding => ({
      found,
      detail: `moved a log-probability by ${moves.toExponential(1)}, a usual step by ${reference.toExponential(1)}`,
    });
    const noRate = await moved({ ...usual, learning_rate: 1e-12 });
    // A gradient that is small beside it.
    const largeEpsilon = await moved({ ...usual, beta1: 0, beta2: 0, eps: 1 }, 1e-4);
    // Without a gradient only the memory of earlier ones moves anything: β1 = 0 has none.
    const fast = { ...usual, learning_rate: 1e-2, beta1: 0 };
    const noMemory = await moved(fast, 0);
    const decay = await moved({ ...fast, weight_decay: 10 }, 0);
    const epsilonCounts = largeEpsilon < still;
    const clipped = epsilonCounts ? await moved({ ...linear(0.1), grad_clip_norm: 1e-6 }) : Number.NaN;
    const unclipped = epsilonCounts ? await moved(linear(1e-3)) : Number.NaN;
    return {
      learning_rate: finding(noRate < still, noRate),
      epsilon: finding(epsilonCounts, largeEpsilon),
      betas: finding(noMemory < still, noMemory),
      weight_decay: finding(decay > still && decay > 10 * noMemory, decay),
      clipping: epsilonCounts
        ? {
            found: clipped < unclipped,
            detail: `grad_clip_norm 1e-6 moved by ${clipped.toExponential(1)}, without it a hundredth of the rate by ${unclipped.toExponential(1)}`,
          }
        : { found: null, detail: "not measured, as epsilon is ignored" },
    };
  }

  async samplerAgainstTrainer(processor: Processor | undefined): Promise<{ finding: Finding; difference: number }> {
    const sampler = await this.model.sampler({ signal: this.signal });
    const settings = { max_tokens: 8, temperature: 1, seed: 3 };
    const { sequences } = await sampler.sample(modelInput(PROMPT.ids), { n: 2, settings, signal: this.signal });
    let difference = 0;
    for (const { tokens, logprobs } of sequences) {
      if (!logprobs)
        return {
          finding: { found: false, detail: "answers have no log-probabilities" },
          difference: Number.POSITIVE_INFINITY,
        };
      // A model may draw a placeholder, which is a picture to the trainer: what comes before it is compared.
      const drawn = tokens.findIndex((id) => id === processor?.imageTokenId || id === processor?.videoTokenId);
      const text = drawn < 0 ? tokens : tokens.slice(0, drawn);
      const own = text.length === 0 ? [] : await this.logProbs(text);
      for (const [t, value] of own.entries()) difference = Math.max(difference, Math.abs(value - logprobs[t]!));
    }
    const detail = `sampler and trainer differ by ${difference.toExponential(1)} at most`;
    return { finding: { found: difference < 1e-3, detail }, difference };
  }

  async endTokens(ends: readonly number[] | undefined): Promise<Finding> {
    if (!ends?.length) return { found: null, detail: "not tried: the end tokens are not known" };
    const [end] = ends;
    // Learn to end at once, then answer.
    for (let step = 0; step < 12; step++) {
      await this.pass("cross_entropy", [{ tokens: [end!] }]);
      await this.step({ learning_rate: 2e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8 });
    }
    const sampler = await this.model.sampler({ signal: this.signal });
    const settings = { max_tokens: 16, temperature: 1, seed: 5, stop: ends };
    const { sequences } = await sampler.sample(modelInput(PROMPT.ids), { n: 16, settings, signal: this.signal });
    const stopped = sequences.filter(({ stop_reason }) => stop_reason === "stop");
    if (stopped.length === 0) return { found: null, detail: "no answer ended by itself" };
    const with_ = stopped.filter(({ tokens }) => ends.includes(tokens.at(-1)!)).length;
    return {
      found: with_ === stopped.length,
      detail: `${with_} of ${stopped.length} answers that ended have their end token`,
    };
  }

  /**
   * Whether weights are saved, and loading them brings the log-probabilities back. Takes the model's place.
   *
   * @param rounding of the server's log-probabilities: one that computes in half precision saves so, too
   */
  async saving(adapter: ProbeTrainerOptions["adapter"], rounding: number): Promise<Finding> {
    if (!adapter) return { found: null, detail: "not tried: it would write the whole model" };
    try {
      const before = await this.logProbs(SHORT);
      const path = await this.model.save("probe", { signal: this.signal });
      // First: there may be room for one model only. A server that cannot unload may have room for two.
      await this.model.unload({ signal: this.signal }).catch((error: unknown) => {
        if (!(error instanceof TinkerError)) throw error;
      });
      const again = await this.create(path);
      try {
        const after = await new Probe(again, this.create, this.signal).logProbs(SHORT);
        const difference = Math.max(...after.map((value, t) => Math.abs(value - before[t]!)));
        const most = Math.max(1e-3, Math.min(0.3, 10 * rounding));
        return {
          found: difference < most,
          detail: `loaded weights move log-probabilities by ${difference.toExponential(1)} at most`,
        };
      } finally {
        await again.unload({ signal: this.signal }).catch(() => {});
      }
    } catch (error) {
      if (error instanceof TinkerError) return { found: false, detail: `${error.what} ${error.found ?? ""}`.trim() };
      throw error;
    }
  }

  async pictures(processor: Processor | undefined): Promise<{ pictures: Finding; tokenCounts: Finding }> {
    const untried = { found: null, detail: "not tried: give the model's folder with its tokenizer" } as const;
    if (!processor) return { pictures: untried, tokenCounts: untried };
    const messages = [{ role: "user", content: [{ type: "image" as const }, { type: "text" as const, text: "1" }] }];
    const prompts: TinkerPrompt[] = [];
    for (const bytes of PICTURES) {
      const { promptIds, images } = await processor.encode(messages, [bytes]);
      const tokens = processor.imageProcessor.tokens(images!.gridThw[0]!);
      const picture = { bytes, format: "png" as const, tokens };
      prompts.push({ ids: promptIds, pictures: [picture], placeholder: processor.imageTokenId });
    }
    const refusedIn = (error: unknown): string => {
      if (error instanceof TinkerError) return `${error.what} ${error.found ?? ""}`;
      throw error;
    };
    let seen: Finding;
    try {
      const [red, blue] = [await this.logProbs(SHORT, prompts[0]), await this.logProbs(SHORT, prompts[1])];
      const difference = Math.max(...red.map((value, t) => Math.abs(value - blue[t]!)));
      seen = {
        found: difference > 0,
        detail: `a red and a blue picture differ by ${difference.toExponential(1)} in log-probability`,
      };
    } catch (error) {
      seen = { found: false, detail: refusedIn(error) };
    }
    const row = completionDatum(prompts[0]!, SHORT, { weights: ones(SHORT) });
    const chunks = row.model_input.chunks.map((chunk) =>
      chunk.type === "image" ? { ...chunk, expected_tokens: chunk.expected_tokens! + 1 } : chunk,
    );
    const counted = await this.model
      .forward([{ ...row, model_input: { chunks } }], "cross_entropy", { signal: this.signal })
      .then(
        (): Finding => ({ found: false, detail: "a wrong expected_tokens is accepted" }),
        (error: unknown): Finding => ({ found: true, detail: refusedIn(error) }),
      );
    return {
      pictures: seen,
      tokenCounts: seen.found ? counted : { found: null, detail: "not tried, as pictures are not seen" },
    };
  }
}

/** What a run asks of a server, of its configuration. */
export interface TrainerNeeds {
  readonly maxGradNorm: number | null;
  readonly weightDecay: number;
  readonly objective: "own" | "server";
}

/** @throws ConfigError for a server that would compute something else than the configuration says */
export function checkTrainer(
  report: TrainerReport,
  needs: TrainerNeeds,
): asserts report is TrainerReport & { reduction: Reduction } {
  const refuse = (what: string, ability: TrainerAbility, where: string, fix: string): never => {
    throw new ConfigError({
      what,
      where,
      expected: "a server that does it",
      found: `${report.url}: ${report.abilities[ability].detail}`,
      fix,
    });
  };
  const local = "or train with the local policy (leave training.engine out)";
  if (report.reduction === undefined)
    refuse(
      "How the server makes a loss of its tokens cannot be told, so no update would be the one that is meant.",
      "gradient_norm",
      "training.engine",
      `use a server that sums tokens or averages them by rows or requests, ${local}`,
    );
  if (!does(report, "learning_rate"))
    refuse("The server ignores the learning rate.", "learning_rate", "optimizer.lr", local);
  if (needs.maxGradNorm !== null && report.abilities.clipping.found !== true)
    refuse(
      "The server does not clip gradients as it is told.",
      "clipping",
      "optimizer.maxGradNorm",
      `set optimizer.maxGradNorm: null and watch actor/grad_norm, ${local}`,
    );
  if (needs.weightDecay > 0 && !does(report, "weight_decay"))
    refuse(
      "The server ignores weight decay.",
      "weight_decay",
      "optimizer.weightDecay",
      `set optimizer.weightDecay: 0, ${local}`,
    );
  if (report.abilities.saving.found === false)
    refuse(
      "The server does not save weights so that a run can go on with them.",
      "saving",
      "checkpoint",
      `correct what the server's words name, ${local}`,
    );
  if (needs.objective === "server" && !does(report, "clip_bounds"))
    refuse(
      "The server's ppo does not have the clip bounds that it is given.",
      "clip_bounds",
      "training.engine.objective",
      "set training.engine.objective: own",
    );
}

/** What a person should know and the run can live with. */
export function trainerWarnings(report: TrainerReport): string[] {
  const { abilities } = report;
  return [
    ...(abilities.betas.found === false ? [`${report.url} ignores optimizer.betas: ${abilities.betas.detail}`] : []),
    ...(abilities.epsilon.found === false ? [`${report.url} ignores optimizer.eps: ${abilities.epsilon.detail}`] : []),
    ...(abilities.end_tokens.found === false
      ? [
          `${report.url} leaves end tokens out of answers: the model will not learn to end (${abilities.end_tokens.detail})`,
        ]
      : []),
  ];
}
