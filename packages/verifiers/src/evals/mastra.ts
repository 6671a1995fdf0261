import type { Verifier } from "../verifier";
import { judgeOutput, scoreOf, type JudgedOutput, type ScorerOptions } from "./judge-output";

/** What Mastra gives the steps of a scorer. */
export interface MastraRun {
  readonly run: { readonly output?: unknown; readonly groundTruth?: unknown };
}

/** The parts of a Mastra scorer. */
export interface MastraSteps {
  readonly config: { id: string; name: string; description: string };
  readonly generateScore: (context: MastraRun) => number;
  readonly generateReason: (context: MastraRun) => string;
}

/**
 * The steps of a scorer for `createScorer` of `@mastra/core`; the gold answer is the run's `groundTruth`. Mastra takes
 * numbers only: without a verdict the score throws NoVerdictError.
 *
 * @example
 * const { config, generateScore, generateReason } = mastraSteps(answer);
 * const scorer = createScorer(config).generateScore(generateScore).generateReason(generateReason);
 */
export function mastraSteps(verifier: Verifier, options: ScorerOptions = {}): MastraSteps {
  const { name = verifier.name } = options;
  const judge = ({ run: { output, groundTruth } }: MastraRun): JudgedOutput =>
    judgeOutput(verifier, { output, expected: groundTruth }, options);
  return {
    config: { id: name, name, description: `The verdict of the verifier ${verifier.name}` },
    generateScore: (context) => scoreOf(verifier, judge(context)),
    generateReason: (context) => {
      const { score, reason } = judge(context);
      return reason ?? (score === 1 ? "right" : score === 0 ? "wrong" : `accuracy ${score}`);
    },
  };
}
