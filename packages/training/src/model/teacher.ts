/** The teacher of a distillation: what it reads, what it says of each token, and how its weights move. */
import * as tf from "@tensorflow/tfjs-core";
import {
  type LogProbsOptions,
  type TopTokens,
  evaluateCandidates,
  evaluateLogProbs,
  evaluateTopTokens,
} from "@v-triune/grpo";
import type { ModelParameter, Processor, TokenizedRollout, VlmPolicy } from "@v-triune/policy";
import type { Rollout } from "@v-triune/rollouts";
import { lookAtPictures } from "./look-at-picture";

/** Weights by name, for a checkpoint. */
export type TeacherState = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

/** An answer and its row as the teacher reads it. */
export interface TaughtAnswer {
  readonly answer: Rollout;
  readonly row: TokenizedRollout;
}

export interface Teacher {
  /** Each answer as the teacher reads it; undefined for one that it does not teach. */
  rowsOf(
    answers: readonly Rollout[],
    rows: readonly TokenizedRollout[],
  ): Promise<readonly (TokenizedRollout | undefined)[]>;
  /** log p of each answer's tokens; undefined for one that a server read as other tokens. */
  logProbs(taught: readonly TaughtAnswer[]): Promise<readonly (Float32Array | undefined)[]>;
  /** Its K likeliest tokens at each position, flat [T · K] for each answer; undefined as above. */
  topTokens(taught: readonly TaughtAnswer[], count: number): Promise<readonly (TopTokens | undefined)[]>;
  /** log p of given tokens at each position, flat [T · K] for each answer. Absent: it cannot be asked. */
  candidates?(
    taught: readonly TaughtAnswer[],
    asked: NonNullable<LogProbsOptions["candidates"]>,
  ): readonly Float32Array[];
  /** Moves the weights towards the policy's, after a step. */
  follow(): void;
  /** Undefined for weights that never move. */
  exportState(): TeacherState | undefined;
  importState(state: TeacherState): void;
}

export interface TeacherOptions {
  /** Own weights; the caller disposes them. */
  readonly weights: Pick<VlmPolicy, "logProbs" | "topTokens" | "tokenCount" | "parameters">;
  /** What the weights follow, and which share of the way they go after each step; undefined: they stay. */
  readonly follows?: { readonly parameters: readonly ModelParameter[]; readonly rate: number };
  readonly processor: Pick<Processor, "encode" | "imageProcessor">;
  readonly picture: "whole" | "look-at";
  readonly temperature: number;
  readonly microBatchTokens: number;
}

const rowsIn = (taught: readonly TaughtAnswer[]): TokenizedRollout[] => taught.map(({ row }) => row);

/** A teacher whose weights are here. */
export function createTeacher(options: TeacherOptions): Teacher {
  const { weights, follows, processor, picture, temperature } = options;
  const limits = { tokens: options.microBatchTokens };
  return {
    async rowsOf(answers, rows) {
      if (picture === "whole") return rows;
      const cut = await lookAtPictures(
        answers.map(({ prompt }) => prompt),
        processor,
      );
      return rows.map((row, index) => {
        const seen = cut[index];
        return seen && { ...row, ...seen };
      });
    },
    logProbs: async (taught) => evaluateLogProbs(weights, rowsIn(taught), limits, temperature),
    topTokens: async (taught, count) => evaluateTopTokens(weights, rowsIn(taught), limits, count, temperature),
    candidates: (taught, asked) => evaluateCandidates(weights, rowsIn(taught), asked, limits, temperature),
    follow() {
      if (!follows) return;
      const own = new Map(weights.parameters.map(({ name, variable }) => [name, variable]));
      for (const { name, variable } of follows.parameters) tf.tidy(() => moveTowards(own.get(name)!, variable));
    },
    exportState: () =>
      follows &&
      new Map(
        weights.parameters.map(({ name, variable }) => [
          name,
          { shape: variable.shape, values: variable.dataSync().slice() as Float32Array },
        ]),
      ),
    importState(state) {
      for (const { name, variable } of weights.parameters) {
        const saved = state.get(name);
        if (saved) tf.tidy(() => variable.assign(tf.tensor(saved.values, variable.shape)));
      }
    },
  };

  function moveTowards(variable: tf.Variable, aim: tf.Variable): void {
    const { rate } = follows!;
    variable.assign(tf.add(tf.mul(variable, 1 - rate), tf.mul(aim, rate)));
  }
}
