/**
 * Math answers: `parse` finds and reads an answer in a text, `verify` compares two, `judgeMath` does both and says when
 * there is no verdict. Same verdicts as Math-Verify 0.9 (PyPI) with limits that do not depend on the machine; no
 * dependency, no native code.
 */
export { BudgetError, type Limits } from "./budget";
export type { Expression } from "./tree/expression";
export {
  type ExpressionTarget,
  type ExtractionTarget,
  type LatexTarget,
  type NormalizationOptions,
  type ParseOptions,
  type StringTarget,
  type VerifyOptions,
  expressionTarget,
  latexTarget,
  stringTarget,
  vTriune,
} from "./options";
export { type Parsed, parse } from "./parse";
export { type MathJudgment, judgeMath, verify } from "./verify";
