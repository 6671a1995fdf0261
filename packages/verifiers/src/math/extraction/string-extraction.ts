/**
 * Words from a list (the letters of a multiple choice) in running text, by anchor, as in Math-Verify 0.9.
 */
import type { StringTarget } from "../options";
import { BLANK, BLANKS } from "../text";
import { BOLD, HOPE, type Level, type Pattern, levelsOf, pattern, patternsOf } from "./anchors";

const compiled = new WeakMap<StringTarget, readonly Pattern[]>();

function compile({ strings }: StringTarget): readonly Pattern[] {
  const word = `(${strings.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")})`;
  const bare = `${BOLD}${word}${BOLD}(?:[.,:${BLANKS}]|$)`;
  const whole = `(?:^|${BLANK})${bare}`;
  return patternsOf({
    hoped: word + HOPE,
    final: `${BLANK}*${word}`,
    gap: "[^\\n]",
    answer: `[^\\n]{0,50}?${whole}`,
    anywhere: [
      [250, pattern(`^${bare}`)],
      [300, pattern(whole)],
    ],
  });
}

/** Where to look for the target's words; their patterns are compiled once. */
export function stringLevels(source: string, target: StringTarget): Level[] {
  const patterns = compiled.get(target) ?? compile(target);
  compiled.set(target, patterns);
  return levelsOf(source, target, patterns, ({ index, 1: text }, end) => ({
    start: index,
    end,
    read: () => ({ value: target.lowercase ? text!.toLowerCase() : text!, text: text! }),
  }));
}
