/**
 * The `mathverify` verifier (V-Triune, arXiv 2505.18129): accuracy is 1 when the answer read from the response equals
 * the gold one, as Math-Verify 0.9 decides it, else 0; format counts the think and answer marks.
 *
 * Two corrections against the original: a gold answer that does not parse skips the sample instead of teaching the
 * model that it was wrong, and a comparison that ends at its limits scores 0 with the reason `undecided`, so that it is
 * counted.
 */
import { mathverifyFormat } from "../format/mathverify-format";
import { type ParseOptions, type VerifyOptions, vTriune } from "../math/options";
import { judgeMath } from "../math/verify";
import type { Verdict, Verifier, VerifierSample } from "../verifier";

/** How answers are found and compared; what is left out is V-Triune's. */
export interface MathverifyVerifierOptions {
  /** Reading of the gold answer. */
  readonly gold?: ParseOptions;
  /** Reading of the response. */
  readonly prediction?: ParseOptions;
  /** The comparison. */
  readonly verify?: VerifyOptions;
  /** The format score in [0, 1]. Default: a quarter for each think or answer mark that occurs exactly once. */
  readonly format?: (response: string) => number;
}

/**
 * A `mathverify` verifier with its own reading or format.
 *
 * @example
 * const lenient = createMathverifyVerifier({ verify: { floatRounding: 2 } });
 * lenient.verify("\\boxed{0.333}", { groundTruth: "\\boxed{1/3}" })
 */
export function createMathverifyVerifier(options: MathverifyVerifierOptions = {}): Verifier {
  const readings = {
    gold: options.gold ?? vTriune.gold,
    prediction: options.prediction ?? vTriune.prediction,
    verify: options.verify ?? vTriune.verify,
  };
  const format = options.format ?? ((response: string) => mathverifyFormat(response));
  return {
    name: "mathverify",
    verify(response: string, sample: VerifierSample): Verdict {
      if (typeof sample.groundTruth !== "string" || sample.groundTruth.trim() === "")
        return { status: "skipped", reason: "the gold answer is empty" };
      const text = typeof response === "string" ? response : "";
      const judgment = judgeMath(sample.groundTruth, text, readings);
      if (judgment.status === "skipped") return judgment;
      return {
        status: "scored",
        accuracy: judgment.correct ? 1 : 0,
        format: format(text),
        metrics: { answer_extracted: judgment.extracted ? 1 : 0 },
        ...(judgment.undecided && { reason: "undecided" }),
      };
    },
  };
}

/** The verifier of V-Triune's reasoning, counting and OCR samples. */
export const mathverify: Verifier = createMathverifyVerifier();
