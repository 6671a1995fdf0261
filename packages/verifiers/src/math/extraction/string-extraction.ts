/**
 * Words from a list (the letters of a multiple choice) in running text, by anchor, as in Math-Verify 0.9.
 */
import type { StringTarget } from "../options";

export interface StringMatch {
  readonly start: number;
  readonly end: number;
  readonly word: string;
}

const SPACE = String.raw`[\s\x1c-\x1f\x85]`;
const compiled = new WeakMap<StringTarget, readonly (readonly [RegExp, number])[]>();

/** The patterns of a target with their priorities, compiled once. */
const patternsOf = (target: StringTarget): readonly (readonly [RegExp, number])[] => {
  const known = compiled.get(target);
  if (known !== undefined) return known;
  const words = `(?<word>${target.strings.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")})`;
  const suffix = String.raw`(?:\*\*)?(?:\.|,|:|${SPACE}|$)`;
  const answer = String.raw`(?:^|${SPACE})(?:\*\*)?${words}${suffix}`;
  const [anchor, final] = ["[aA][nN][sS][wW][eE][rR]", "[fF][iI][nN][aA][lL] [aA][nN][sS][wW][eE][rR]"];
  const list: [string, number][] = [
    [String.raw`${final} [iI][sS]:?${SPACE}*${words}\.?${SPACE}?I hope`, 0],
    [String.raw`${final}[^\n]{0,100}?${SPACE}+is:?${SPACE}*${words}`, 50],
    [`${anchor}:[^\\n]{0,50}?${answer}`, 100],
    [`${anchor}[^\\n]{0,50}?${answer}`, 200],
  ];
  if (target.tryExtractWithoutAnchor) list.push([String.raw`^(?:\*\*)?${words}${suffix}`, 250], [answer, 300]);
  const patterns = list.map(([pattern, priority]) => [new RegExp(pattern, "gu"), priority] as const);
  compiled.set(target, patterns);
  return patterns;
};

export const stringPriorities = (target: StringTarget): readonly number[] => patternsOf(target).map(([, priority]) => priority);

/** Every match of the target's patterns at one priority. */
export const stringMatches = (text: string, target: StringTarget, priority: number): StringMatch[] => {
  const found: StringMatch[] = [];
  for (const [pattern, own] of patternsOf(target)) {
    if (own !== priority) continue;
    for (const match of text.matchAll(pattern)) found.push({ start: match.index, end: match.index + match[0].length, word: match.groups!["word"]! });
  }
  return found;
};
