/**
 * Verifiers in evaluation frameworks: each adapter is a function of a verifier, and needs none of the frameworks
 * installed.
 */
export { autoevalsScorer, type AutoevalsScore } from "./autoevals";
export { evaliteScorer, type EvaliteScorer } from "./evalite";
export { NoVerdictError, type ScorerOptions } from "./judge-output";
export { langsmithEvaluator, type LangsmithArguments, type LangsmithOptions, type LangsmithResult } from "./langsmith";
export { mastraSteps, type MastraRun, type MastraSteps } from "./mastra";
export { promptfooAssertion, type PromptfooContext, type PromptfooOptions, type PromptfooResult } from "./promptfoo";
export { verifierMatchers, type MatcherResult, type VerifierMatchers } from "./vitest";
