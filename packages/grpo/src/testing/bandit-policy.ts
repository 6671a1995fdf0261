/**
 * The smallest policy that can learn: a table of logits by (state, position) and a bias over the vocabulary they share.
 * Two groups, "table" and "bias", so that learning rates and freezing by group can be tried.
 *
 *   logits(state, t) = table[state · positions + t] + bias
 *
 * It brings its own derivatives, so it runs on `@tensorflow/tfjs-core` without registered gradients.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor, Tensor1D, Tensor2D, Variable } from "@tensorflow/tfjs-core";
import { selectedLogProbs, tokenEntropies } from "../losses/selected-log-probs";
import type { LogProbsOptions, Policy, PolicyParameter, PolicyRow, TokenLogProbs } from "../policy";

/** A completion given in one of the bandit's states. */
export interface BanditRow extends PolicyRow {
  readonly state: number;
}

/** Sizes of a {@link createBanditPolicy}. */
export interface BanditOptions {
  readonly states: number;
  /** Longest completion. */
  readonly positions: number;
  readonly vocabulary: number;
}

/** A bandit and what tests want to know of it. */
export interface BanditPolicy extends Policy<BanditRow> {
  readonly table: Variable;
  readonly bias: Variable;
  /** Samples a completion token by token; `random` gives numbers in [0, 1). */
  sample(state: number, length: number, random: () => number): BanditRow;
  dispose(): void;
}

/** A bandit with all logits 0 (or as given, [states · positions, vocabulary] values). */
export function createBanditPolicy(options: BanditOptions, logits?: Float32Array): BanditPolicy {
  const { states, positions, vocabulary } = options;
  const size = states * positions * vocabulary;
  const table = tf.tidy(() =>
    tf.variable(tf.tensor2d(logits ?? new Float32Array(size), [states * positions, vocabulary])),
  );
  const bias = tf.tidy(() => tf.variable(tf.zeros([vocabulary])));
  const parameters: PolicyParameter[] = [
    { name: "table.weight", variable: table, group: "table", layer: 0 },
    { name: "bias", variable: bias, group: "bias" },
  ];
  return {
    table,
    bias,
    parameters,
    tokenCount: (rows) => rows.length * Math.max(...rows.map((row) => row.completionIds.length)),
    logProbs(rows, call) {
      return tokenLogProbs(table, bias, rows, call, positions);
    },
    sample(state, length, random) {
      const values = table.dataSync();
      const shared = bias.dataSync();
      const ids = new Int32Array(length);
      for (let t = 0; t < length; t++) {
        const weights = Array.from({ length: vocabulary }, (_, v) =>
          Math.exp(values[(state * positions + t) * vocabulary + v]! + shared[v]!),
        );
        let left = random() * weights.reduce((a, b) => a + b, 0);
        let token = 0;
        while (token < vocabulary - 1 && left >= weights[token]!) left -= weights[token++]!;
        ids[t] = token;
      }
      return { state, completionIds: ids };
    },
    dispose() {
      table.dispose();
      bias.dispose();
    },
  };
}

function tokenLogProbs(
  table: Variable,
  bias: Variable,
  rows: readonly BanditRow[],
  options: LogProbsOptions,
  positions: number,
): TokenLogProbs {
  const ids = Int32Array.from(rows.flatMap((row) => [...row.completionIds]));
  const places = Int32Array.from(
    rows.flatMap((row) => [...row.completionIds.keys()].map((t) => row.state * positions + t)),
  );
  const logits = tableRows(table as Tensor2D, bias as unknown as Tensor1D, places);
  const lengths = rows.map((row) => row.completionIds.length);
  return {
    logProbs: layOut(selectedLogProbs(logits, ids, options.temperature), lengths, options.width),
    ...(options.entropy
      ? { entropy: layOut(tokenEntropies(logits, options.temperature), lengths, options.width) }
      : {}),
  };
}

/** [R, V], [V] → [N, V] */
function tableRows(table: Tensor2D, bias: Tensor1D, places: Int32Array): Tensor2D {
  const operation = tf.customGrad((...args: (Tensor | tf.GradSaveFunc)[]) => {
    const [rows, shared] = args as [Tensor2D, Tensor1D];
    // [R, N]: 1 where a place takes a row. Not tf.oneHot, which refuses a table of one row.
    const choice = () => {
      const numbers = tf.tensor2d(
        Int32Array.from({ length: rows.shape[0] }, (_, row) => row),
        [rows.shape[0], 1],
      );
      return tf.cast(tf.equal(numbers, tf.tensor2d(places, [1, places.length])), "float32") as Tensor2D;
    };
    return {
      value: tf.add(tf.gather(rows, tf.tensor1d(places, "int32")), shared),
      gradFunc: (dy: Tensor) => [tf.matMul(choice(), dy as Tensor2D), tf.sum(dy, 0)],
    };
  });
  return operation(table, bias) as Tensor2D;
}

/** [N] → [B, T], row after row, 0 past each row's end. */
function layOut(values: Tensor1D, lengths: readonly number[], width: number): Tensor2D {
  const targets = lengths.flatMap((length, row) => Array.from({ length }, (_, t) => row * width + t));
  const operation = tf.customGrad((...args: (Tensor | tf.GradSaveFunc)[]) => {
    const data = (args[0] as Tensor).dataSync();
    const grid = new Float32Array(lengths.length * width);
    targets.forEach((target, n) => (grid[target] = data[n]!));
    return {
      value: tf.tensor2d(grid, [lengths.length, width]),
      gradFunc: (dy: Tensor) => {
        const all = dy.dataSync();
        return tf.tensor1d(Float32Array.from(targets, (target) => all[target]!));
      },
    };
  });
  return operation(values) as Tensor2D;
}
