import type { Verifier } from "../verifier";
import { judgeOutput, type ScorerOptions } from "./judge-output";

/** A score of autoevals and Braintrust: null is left out of the mean. */
export interface AutoevalsScore {
  readonly name: string;
  readonly score: number | null;
  readonly metadata: Record<string, unknown>;
}

/**
 * A scorer for `Eval(..)` of Braintrust, in the form that autoevals has.
 *
 * @example Eval("math", { data, task, scores: [autoevalsScorer(answer)] })
 */
export function autoevalsScorer(
  verifier: Verifier,
  options: ScorerOptions = {},
): (args: { output: unknown; expected?: unknown }) => AutoevalsScore {
  const { name = verifier.name } = options;
  const scorer = ({ output, expected }: { output: unknown; expected?: unknown }): AutoevalsScore => {
    const { score, metadata } = judgeOutput(verifier, { output, expected }, options);
    return { name, score, metadata: { ...metadata } };
  };
  // Braintrust names a scorer by its function.
  return Object.defineProperty(scorer, "name", { value: name });
}
