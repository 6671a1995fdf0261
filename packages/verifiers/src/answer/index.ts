/**
 * `answer`: judges whatever has one right answer, as a careful person would. `explain` says what was located, how it
 * was read and compared, and why. No dependency; runs in browsers, workers and Node.
 */
export { answer, createAnswerVerifier } from "./answer-verifier";
export type { AnswerParams } from "./answer-params";
export type { Comparison } from "./compare/comparison";
export { type Explanation, explain } from "./explain";
export type { ExplainedPlace, ExplainedText } from "./judge-response";
export { type Located, locate } from "./locate/locate";
export type { How, Place } from "./locate/place";
export { answerScope, type Scope, type Span } from "./locate/scope";
export { normalize, type Normalized } from "./normalize/normalize";
export { ANSWER_TYPES, type AnswerTypeName } from "./types/gold";
export type { ShortAnswerOptions } from "./short-answer-options";
