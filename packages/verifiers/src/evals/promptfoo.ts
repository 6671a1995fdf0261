import type { Verifier } from "../verifier";
import { judgeOutput, type ScorerOptions } from "./judge-output";

/** How a promptfoo assertion finds the gold answer. */
export interface PromptfooOptions extends ScorerOptions {
  /** The test's variable with the gold answer. Default `expected`; the assertion's `config.expected` goes before it. */
  readonly expected?: string;
  /** The accuracy from which a test passes. Default 0.5; the assertion's `config.threshold` goes before it. */
  readonly threshold?: number;
}

/** The part of promptfoo's context that is read. */
export interface PromptfooContext {
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** A grading result of promptfoo. `graderError` says that there was no verdict. */
export interface PromptfooResult {
  pass: boolean;
  score: number;
  reason: string;
  metadata: { graderError?: true; [key: string]: unknown };
}

/**
 * An assertion for promptfoo (0.121), as a function or as the default export of a module that the configuration names:
 * `type: javascript`, `value: file://answer.mjs`. The assertion's `config.params` are the verifier's parameters.
 *
 * @example export default promptfooAssertion(answer); // answer.mjs
 */
export function promptfooAssertion(
  verifier: Verifier,
  options: PromptfooOptions = {},
): (output: unknown, context: PromptfooContext) => PromptfooResult {
  return (output, { vars = {}, config = {} }) => {
    const expected = config["expected"] ?? vars[options.expected ?? "expected"];
    const given = config["params"] as ScorerOptions["params"];
    const params = given ?? options.params;
    const { score, reason, metadata } = judgeOutput(verifier, { output, expected }, { ...(params && { params }) });
    if (score === null) {
      const text = `no verdict (${metadata["status"]}): ${reason}`;
      return { pass: false, score: 0, reason: text, metadata: { ...metadata, graderError: true } };
    }
    const threshold = typeof config["threshold"] === "number" ? config["threshold"] : (options.threshold ?? 0.5);
    const pass = score >= threshold;
    const compared = `${verifier.name}: ${pass ? "right" : "wrong"}, accuracy ${score}, expected ${String(expected)}`;
    return {
      pass,
      score,
      reason: reason === undefined ? compared : `${compared} (${reason})`,
      metadata: { ...metadata },
    };
  };
}
