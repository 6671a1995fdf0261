import type { Verifier } from "../verifier";
import { judgeOutput, scoreOf, type ScorerOptions } from "./judge-output";

/** A scorer as evalite takes it in `scorers`. */
export interface EvaliteScorer {
  name: string;
  description: string;
  scorer: (input: { output: unknown; expected?: unknown }) => { score: number; metadata: Record<string, unknown> };
}

/**
 * A scorer for evalite (0.19), which takes numbers only: without a verdict it throws NoVerdictError, and evalite shows
 * the reason.
 *
 * @example evalite("math", { data, task, scorers: [evaliteScorer(answer)] })
 */
export function evaliteScorer(verifier: Verifier, options: ScorerOptions = {}): EvaliteScorer {
  const { name = verifier.name } = options;
  return {
    name,
    description: `The verdict of the verifier ${verifier.name}`,
    scorer: ({ output, expected }) => {
      const judged = judgeOutput(verifier, { output, expected }, options);
      return { score: scoreOf(verifier, judged), metadata: { ...judged.metadata } };
    },
  };
}
