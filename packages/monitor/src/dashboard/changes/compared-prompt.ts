/** How much Changes shows of a row's answers, and the reward of a prompt. */
import type { MetricScope } from "../../metric-record";
import type { ComparedAnswer } from "../dashboard-api";

export const MOST_PAIRS = 8;
export const MOST_ANSWERS = 16;
/** Characters of an answer and of a prompt that are compared; the link beside them shows all. */
export const LONGEST_ANSWER = 4_000;
export const LONGEST_PROMPT = 4_000;

/** A source, a task or all. */
export interface ComparedRow {
  readonly scope: MetricScope;
  readonly name: string;
}

/** Over the scored answers; null where none is. */
export function meanReward(answers: readonly Pick<ComparedAnswer, "status" | "reward">[]): number | null {
  const rewards = answers.flatMap(({ status, reward }) => (status === "scored" && reward !== null ? [reward] : []));
  return rewards.length === 0 ? null : rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
}
