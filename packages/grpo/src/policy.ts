/**
 * The Policy seam: what the learner asks of a model. grpo knows tensors, not rewards and not pictures; a policy knows
 * how to turn its own rows (prompt, pictures, completion) into log-probabilities.
 */
import type { Tensor, Tensor2D, Variable } from "@tensorflow/tfjs-core";

/** One rollout as the learner sees it. A policy extends it with what it needs (prompt ids, pictures). */
export interface PolicyRow {
  /** The completion's token ids as trained (image placeholders already stripped), end token included. */
  readonly completionIds: Int32Array;
}

/** One trainable tensor. Its name is the one of the checkpoint. */
export interface PolicyParameter {
  readonly name: string;
  readonly variable: Variable;
  /** Which learning rate and freeze switch it follows, for example "vision", "connector", "language". */
  readonly group: string;
  /** The block it belongs to within its group; absent for embeddings, heads and final norms. */
  readonly layer?: number;
}

export interface LogProbsOptions {
  /** The width T of the result; at least the longest completion of the rows. */
  readonly width: number;
  /** Divides the logits before the softmax. Default 1. */
  readonly temperature?: number;
  /** Whether the entropy of each position's distribution is wanted as well (with gradient). */
  readonly entropy?: boolean;
  /** K tokens of each position of each row, flat [T · K], whose log-probabilities are wanted as well (with gradient). */
  readonly candidates?: { readonly ids: readonly Int32Array[]; readonly count: number };
}

/** K tokens at each position of a completion, flat [T · K], and their log-probabilities. */
export interface TopTokens {
  readonly ids: Int32Array;
  readonly logProbs: Float32Array;
}

export interface TokenLogProbs {
  /** log p of each completion token, [B, T], 0 past a row's end; differentiable in the parameters. */
  readonly logProbs: Tensor2D;
  /** Entropy of the full distribution at each completion position, [B, T], 0 past a row's end. */
  readonly entropy?: Tensor2D;
  /** log p of the candidates of each position, [B, T · K], 0 past a row's end; only where they were asked for. */
  readonly candidates?: Tensor2D;
}

export interface Policy<Row extends PolicyRow = PolicyRow> {
  /** The tensors that are trained now; frozen ones are not in it. */
  readonly parameters: readonly PolicyParameter[];
  /**
   * Whether kernels beside the backend's operations compute the model. They then compute AdamW as well, and otherwise
   * operations do. Default: kernels compute AdamW where the backend has them.
   */
  readonly inOneOp?: boolean;
  /** Differentiable log-probabilities of the rows' completions. Called inside the learner's tidy. */
  logProbs(rows: readonly Row[], options: LogProbsOptions): TokenLogProbs;
  /** The K likeliest tokens at each position of the rows' completions, without a gradient; only distillation asks. */
  topTokens?(rows: readonly Row[], count: number, temperature?: number): TopTokens[];
  /**
   * How many tokens the model computes for these rows together, prompts and pictures included; padding counts, a prompt
   * that rows share counts once. The learner keeps micro-batches within their token budget by it and chooses the order
   * of rows that computes less (the caller's, or by length). Without it rows keep the caller's order and count as
   * completions padded to the longest.
   */
  tokenCount?(rows: readonly Row[]): number;
}

/** Gradients by parameter name; the caller disposes them. */
export type Gradients = Map<string, Tensor>;
