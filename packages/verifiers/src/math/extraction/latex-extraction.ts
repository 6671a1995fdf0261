/**
 * LaTeX answers in running text, by anchor; `\boxed{` at the target's own priority.
 */
import { withinLimits } from "../budget";
import type { Calculator } from "../evaluation/calculator";
import { type Expression, PERCENT, isFiniteSet, isMatrix, isSingleRelation, product } from "../tree/expression";
import { finiteSet } from "../tree/identity";
import { scale } from "../latex-parser/matrices";
import { parseLatex } from "../latex-parser/parser";
import { lastSide, normalizeLatex } from "../normalization/latex-normalization";
import type { LatexTarget, NormalizationOptions } from "../options";
import { BLANK } from "../text";
import {
  type Candidate,
  HOPE,
  type Level,
  type Reading,
  type Take,
  levelsOf,
  pattern,
  patternsOf,
  raw,
  search,
} from "./anchors";
import { type Environment, type GroupAt, environmentsOf } from "./latex-environments";

/** What makes the reference treat symbols as complex rather than real. */
const COMPLEX =
  /\\mathbb\{C\}|\\i\b|\bi\b|\\text\{i\}|\\mathrm\{i\}|\\imath\b|\\det|\\operatorname\{tr\}|\\operatorname\{rank\}|\\text\{rank\}|\\arg\{|\\Re\{|\\Im\{|\\operatorname\{Re\}|\\operatorname\{Im\}|\\text\{Re\}|\\text\{Im\}/;
const NOTHING = /(?:)/y;
const HOPED = new RegExp(HOPE, "uy");
/** The NUL that marks an environment. */
const MARK = raw`\0`;
const ANYWHERE = pattern(MARK);
const PATTERNS = patternsOf({
  hoped: MARK,
  final: `${BLANK}*${MARK}`,
  gap: "[^]",
  answer: `[^]{0,50}?${MARK}`,
  anywhere: [[300, ANYWHERE]],
});

/** Where to look for LaTeX. */
export function latexLevels(calculator: Calculator, source: string, target: LatexTarget): Level[] {
  const { normalization, boxedMatchPriority } = target;
  /** Makes candidates of matches that end at a mark. */
  const takeFrom =
    (groupAt: GroupAt): Take =>
    ({ index }, marked, priority) => {
      const items = groupAt(marked - 1);
      const rest = priority === 0 ? HOPED : NOTHING;
      rest.lastIndex = items.at(-1)!.end;
      if (!rest.test(source)) return undefined;
      return { start: index, end: rest.lastIndex, read: () => readItems(calculator, items, normalization) };
    };

  const [markFrom, groupAt] = environmentsOf(source, false);
  const marked = new Map<number, string>();
  const markedFrom = (from: number): string => {
    const text = marked.get(from) ?? markFrom(from);
    marked.set(from, text);
    return text;
  };
  const levels = levelsOf(source, target, PATTERNS, takeFrom(groupAt), markedFrom);
  if (boxedMatchPriority < 0) return levels;

  const boxes = (): Candidate[] => {
    const start = source.indexOf("\\boxed{");
    if (start < 0) return [];
    const [markBoxesFrom, boxesAt] = environmentsOf(source, true);
    // Only these two go over lines; a bracket counts from the blank before it, which may be the end of a line.
    const opening = source.search(/\$\$|\\\[/);
    const line = Math.max(0, source.lastIndexOf("\n", start));
    const from = opening < 0 ? line : Math.min(opening, line);
    const found = search(markBoxesFrom(from), ANYWHERE, takeFrom(boxesAt), from);
    // Where each box ends is settled when the text from the first to the last brace is cleaned up.
    const end = source.lastIndexOf("}") + 1;
    if (end <= start + "\\boxed{".length + 1) return found;
    const item = { content: source.slice(start, end) };
    const read = (): Reading => readItems(calculator, [item], { ...normalization, boxed: "last" });
    return [...found, { start, end, read }];
  };
  return [...levels, [boxedMatchPriority, boxes]];
}

/** A group's only value, or the set of its values. */
function readItems(
  calculator: Calculator,
  items: readonly Pick<Environment, "content" | "percent">[],
  options: NormalizationOptions,
): Reading {
  const texts = items.map(({ content }) => {
    calculator.budget.spend(content.length);
    return normalizeLatex(content, options);
  });
  const together = texts.join(" and ");
  const read = (): Reading => {
    const values = texts.map((text, i) => {
      const value = readLatex(calculator, text);
      return value && items[i]!.percent ? percentOf(calculator, value) : value;
    });
    return values.length > 1 && values.every((value) => value !== null)
      ? { value: finiteSet(values.flatMap((value) => (isFiniteSet(value) ? value.items : value))), text: together }
      : { value: values[0]!, text: texts[0]! };
  };
  return withinLimits(read, () => ({ value: null, text: together, isCut: true }));
}

/** A value with a percent sign behind its delimiters; a relation has no percentage. */
function percentOf({ budget }: Calculator, value: Expression): Expression | null {
  if (isSingleRelation(value)) return null;
  return isMatrix(value) ? scale(budget, value, PERCENT) : product(value, PERCENT);
}

/** The tree of a cleaned answer; of its last side, when the whole of an equation chain does not parse. */
function readLatex(calculator: Calculator, text: string): Expression | null {
  const value = parseLatex(calculator, text, !COMPLEX.test(text));
  const last = lastSide(text);
  return value || last === text ? value : parseLatex(calculator, last, !COMPLEX.test(last));
}
