/**
 * Options of `parse` and `verify`, as Math-Verify 0.9 has them, in camelCase. Defaults are Math-Verify's.
 */
import type { Limits } from "./budget";

/** Which clean-ups LaTeX goes through before it is parsed (latex2sympy2_extended 1.11, `NormalizationConfig`). */
export interface NormalizationOptions {
  /** `\mathrm`, `\left`, `and`, `percent`, dollar signs, thousands separators `{,}`, .. */
  readonly basicLatex: boolean;
  /** Strip a trailing unit, in text or bare: `5 \text{ cm}^2`, `5 cm`. */
  readonly units: boolean;
  /** `\frac12`, `\sqrt3`, `^(..)`, `a/b`. */
  readonly malformedOperators: boolean;
  /** A leading `.5`, and 0.5 as a half. */
  readonly nits: boolean;
  /** Which `\boxed{}` contents to take. */
  readonly boxed: "all" | "last" | "none";
  /** Keep only what follows the last `=` of a longer chain. */
  readonly equations: boolean;
}

export interface LatexTarget {
  readonly type: "latex";
  /** Also take LaTeX that no "answer is" announces. */
  readonly tryExtractWithoutAnchor: boolean;
  /** 0: before everything; 50: with "final answer is"; negative: never. */
  readonly boxedMatchPriority: number;
  readonly normalization: NormalizationOptions;
}

export interface ExpressionTarget {
  readonly type: "expression";
  readonly tryExtractWithoutAnchor: boolean;
}

export interface StringTarget {
  readonly type: "string";
  /** Words to look for, such as the letters of a multiple choice. */
  readonly strings: readonly string[];
  readonly tryExtractWithoutAnchor: boolean;
  readonly lowercase: boolean;
}

/** What to look for in a text: LaTeX, plain arithmetic, or words from a list. */
export type ExtractionTarget = LatexTarget | ExpressionTarget | StringTarget;

export interface ParseOptions extends Limits {
  /** What to look for; default LaTeX and plain arithmetic. */
  readonly targets?: readonly ExtractionTarget[];
  /** Whether an answer that does not parse is kept as text. Default "firstMatch". */
  readonly fallbackMode?: "noFallback" | "firstMatch";
  /** Whether to go on after a match that does not parse. Default "anyMatch". */
  readonly extractionMode?: "firstMatch" | "anyMatch";
  /** Lowercase the text first (V-Triune does; Math-Verify does not). Default false. */
  readonly lowercase?: boolean;
}

export interface VerifyOptions extends Limits {
  /** Decimals to which a decimal number is compared, a whole number. Default 6. */
  readonly floatRounding?: number;
  /** Significant digits within which two irrational constants count as equal. Default 15. */
  readonly numericPrecision?: number;
  /** Whether variable names matter. Default true. */
  readonly strict?: boolean;
  /** Whether a gold set may be compared with a predicted inequality. Default false: only the other way round. */
  readonly allowSetRelationComp?: boolean;
}

export const DEFAULT_NORMALIZATION: NormalizationOptions = {
  basicLatex: true,
  units: true,
  malformedOperators: true,
  nits: true,
  boxed: "all",
  equations: false,
};

/** The defaults, with what is given in their place. */
function filled<T extends object>(defaults: T, given: Partial<T>): T {
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, given[name as keyof T] ?? value]),
  ) as T;
}

const ANYWHERE = { tryExtractWithoutAnchor: true };

/** A LaTeX target with Math-Verify's defaults where nothing is given. */
export function latexTarget(
  options: Partial<Omit<LatexTarget, "type" | "normalization">> & {
    normalization?: Partial<NormalizationOptions>;
  } = {},
): LatexTarget {
  return {
    type: "latex",
    ...filled({ ...ANYWHERE, boxedMatchPriority: 50 }, options),
    normalization: { ...DEFAULT_NORMALIZATION, ...options.normalization },
  };
}

/** A target for plain arithmetic with Math-Verify's defaults. */
export function expressionTarget(options: Partial<Omit<ExpressionTarget, "type">> = {}): ExpressionTarget {
  return {
    type: "expression",
    ...filled(ANYWHERE, options),
  };
}

/** A target for words with Math-Verify's defaults (A, B, C, D; lowercased when found). */
export function stringTarget(options: Partial<Omit<StringTarget, "type">> = {}): StringTarget {
  return {
    type: "string",
    ...filled<Omit<StringTarget, "type">>({ ...ANYWHERE, strings: [..."ABCD"], lowercase: true }, options),
  };
}

export const DEFAULT_TARGETS: readonly ExtractionTarget[] = [latexTarget(), expressionTarget()];

const FIRST_LOWERCASED: ParseOptions = { extractionMode: "firstMatch", lowercase: true };

/**
 * V-Triune's reading of a response (arXiv 2505.18129, and SPEC §2 of this project): `\boxed` first, units stripped,
 * nothing without an anchor, first match only, lowercased. The gold answer is read with Math-Verify's defaults,
 * lowercased too.
 */
export const vTriune: {
  readonly gold: ParseOptions;
  readonly prediction: ParseOptions;
  readonly verify: VerifyOptions;
} = {
  gold: FIRST_LOWERCASED,
  prediction: {
    ...FIRST_LOWERCASED,
    targets: [
      latexTarget({
        boxedMatchPriority: 0,
        tryExtractWithoutAnchor: false,
        normalization: { malformedOperators: false, nits: false, equations: true },
      }),
    ],
  },
  verify: {},
};
