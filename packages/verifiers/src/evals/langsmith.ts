import type { Verifier } from "../verifier";
import { judgeOutput, type ScorerOptions } from "./judge-output";

/** How a LangSmith evaluator finds the texts. */
export interface LangsmithOptions extends ScorerOptions {
  /** The key of `outputs` with the response. Default its only key, or all of it. */
  readonly output?: string;
  /** The key of the reference outputs with the gold answer. Default their only key, or all of them. */
  readonly expected?: string;
}

/** What LangSmith and openevals give an evaluator. */
export interface LangsmithArguments {
  readonly outputs: unknown;
  readonly referenceOutputs?: unknown;
  readonly reference_outputs?: unknown;
}

/** Feedback; without a score there was no verdict, and the comment says why. */
export interface LangsmithResult {
  key: string;
  score?: number;
  comment?: string;
}

/**
 * An evaluator for `evaluate(..)` of LangSmith (0.12) and for openevals (0.2).
 *
 * @example await evaluate(task, { data, evaluators: [langsmithEvaluator(answer, { expected: "answer" })] })
 */
export function langsmithEvaluator(
  verifier: Verifier,
  options: LangsmithOptions = {},
): (args: LangsmithArguments) => LangsmithResult {
  const key = options.name ?? verifier.name;
  return ({ outputs, referenceOutputs, reference_outputs: other }) => {
    const output = valueAt(outputs, options.output);
    const expected = valueAt(referenceOutputs ?? other, options.expected);
    const { score, reason, metadata } = judgeOutput(verifier, { output, expected }, options);
    const status = metadata["status"];
    return {
      key,
      ...(score !== null && { score }),
      ...(reason !== undefined && { comment: score === null ? `no verdict (${status}): ${reason}` : reason }),
    };
  };
}

function valueAt(values: unknown, key: string | undefined): unknown {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return values;
  const record = values as Readonly<Record<string, unknown>>;
  if (key !== undefined) return record[key];
  const keys = Object.keys(record);
  return keys.length === 1 ? record[keys[0]!] : values;
}
