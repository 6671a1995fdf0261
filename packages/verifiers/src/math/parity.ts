/**
 * Agreement with labeled pairs: any list of {gold, pred, expected}, such as tools/goldens/math-verify.py writes with
 * PyPI's Math-Verify.
 */
import { type ExtractionTarget, expressionTarget, latexTarget, stringTarget } from "./options";
import { parse } from "./parse";
import { verify } from "./verify";

/** One labeled pair. `expected`: 1 true, 0 false, null when the reference raised (counts as false). */
export interface LabeledPair {
  readonly gold: string | null;
  readonly pred: string;
  readonly expected: number | boolean | null | readonly string[];
  /** Targets by name: "latex", "expr", "string". Default latex and expr. */
  readonly extraction?: readonly string[];
  readonly boxed_match_priority?: number;
  readonly options?: {
    readonly precision?: number;
    readonly strict?: boolean;
    readonly allow_set_relation_comp?: boolean;
  };
}

export interface PairDifference {
  readonly index: number;
  readonly gold: string;
  readonly pred: string;
  readonly expected: boolean;
  readonly actual: boolean;
}

export interface PairAgreement {
  readonly pairs: number;
  readonly agreement: number;
  readonly differences: readonly PairDifference[];
}

/** Judges one labeled pair. */
export function judgePair(pair: LabeledPair): boolean {
  const { extraction = ["latex", "expr"], boxed_match_priority: priority = 50 } = pair;
  const options = { targets: extraction.map((name) => targetOf(name, priority)) };
  const { precision, strict, allow_set_relation_comp: sets } = pair.options ?? {};
  return verify(parse(pair.gold ?? "", options), parse(pair.pred, options), {
    ...(precision === undefined ? {} : { floatRounding: precision }),
    ...(strict === undefined ? {} : { strict }),
    ...(sets === undefined ? {} : { allowSetRelationComp: sets }),
  });
}

/**
 * Judges every pair and lists where the verdict differs from the label. Pairs without a gold or with another kind of
 * label are left out.
 *
 * @param pairs the contents of a pairs file
 * @throws TypeError when it is no list of pairs
 */
export function comparePairs(pairs: unknown): PairAgreement {
  if (!Array.isArray(pairs))
    throw new TypeError(
      "comparePairs: expected a list of {gold, pred, expected}, found " + (pairs === null ? "null" : typeof pairs),
    );
  const differences: PairDifference[] = [];
  let counted = 0;
  pairs.forEach((pair: LabeledPair, index) => {
    if (typeof pair?.gold !== "string" || typeof pair.pred !== "string" || Array.isArray(pair.expected)) return;
    counted++;
    const expected = pair.expected === 1 || pair.expected === true;
    const actual = judgePair(pair);
    if (actual !== expected) differences.push({ index, gold: pair.gold, pred: pair.pred, expected, actual });
  });
  return { pairs: counted, agreement: counted === 0 ? 1 : (counted - differences.length) / counted, differences };
}

function targetOf(name: string, boxedMatchPriority: number): ExtractionTarget {
  if (name === "latex") return latexTarget({ boxedMatchPriority });
  return name === "string" ? stringTarget() : expressionTarget();
}
