/**
 * Type "choice": one letter or several, with or without the text of the option, in the forms that people and models
 * write.
 */

export interface Choice {
  /** In alphabetical order, each once. */
  readonly letters: string;
  /** The option's own text, if it is given: "B. 12 cm". */
  readonly value?: string;
}

const ONE = /^\(?([A-Z])\)?[.:)]?$/;
const WITH_VALUE = /^(?:\(([A-H])\) ?|([A-H])(?:[.)] ?|: +))(\S.*)$/s;
const SEVERAL =
  /^\(?[A-Z]\)?(?: ?(?:,|;|&|\band\b|和|与|及|、|\+|\\to|->) ?(?:and |和 ?)?\(?[A-Z]\)?)+[.]?$|^(?:\([A-Z]\) ?){2,}$/;
const NUMBERED = /^(?:\(\d{1,2}\)[,; ]*){2,}$/;

/** A gold answer that is the letter of an option, or several. */
export function readGoldChoice(text: string): Choice | undefined {
  const one = ONE.exec(text);
  if (one !== null) return { letters: one[1]! };
  if (isRisingRun(text)) return { letters: text };
  if (SEVERAL.test(text)) return several(text);
  if (NUMBERED.test(text)) return { letters: numbered(text) };
  const withValue = WITH_VALUE.exec(text);
  return withValue === null ? undefined : { letters: (withValue[1] ?? withValue[2])!, value: withValue[3]!.trim() };
}

/** ACD: letters of options in alphabetical order. */
const isRisingRun = (text: string): boolean =>
  /^[A-H]{2,8}$/.test(text) && [...text].every((letter, i) => i === 0 || letter > text[i - 1]!);

const several = (text: string): Choice => ({
  letters: [...new Set(text.replace(/\band\b/g, "").match(/[A-Z]/g) ?? [])].sort().join(""),
});
const numbered = (text: string): string => (text.match(/\d+/g) ?? []).join("-");

const PREFIX =
  /^(?:(?:the )?(?:correct |right |best |final )?(?:option|choice|answer|letter)s?(?: is| are|:)? |选项|故选|应选|选择?|答案[是为:]? ?|so |therefore,? |thus,? |hence,? |i (?:choose|pick|select|would choose) |correct: )+ ?/i;
const SUFFIX = /(?:都|均)?(?:正确|对|符合题意)$| (?:are|is) (?:both |all )?(?:correct|right|true)$/i;
const SINGLE = /^(?:\(([A-Za-z])\)|\[([A-Z])\]|<([A-Z])>|([A-Z])(?![A-Za-z])|([a-z])(?=[.):]|$))\]?(.*)$/s;
const AFTER =
  /^(?:$|[.:),;!]|\s+[-=]+\s|\s*\n|\s*\\\\|\s+(?:is|was|since|because|as|due|based|for|which|,)\b|项|选项|是|,)/;
const DENIED = /\b(?:wrong|incorrect|not|false|isn't|cannot|can't)\b|错|不/i;
const HEDGE = /^\(?[A-Z]\)?(?: ?(?:\/|\bor\b|或者?) ?\(?[A-Z]\)?)+/;

/** What an answer says of a choice; "hedge" where it leaves several open. Undefined when it names no option. */
export function readChoice(written: string): Choice | "hedge" | undefined {
  const text = written.replace(PREFIX, "").replace(SUFFIX, "").trim();
  if (HEDGE.test(text.replace(/^either /i, ""))) return "hedge";
  if (isRisingRun(text)) return { letters: text };
  if (SEVERAL.test(text)) return several(text);
  if (NUMBERED.test(text)) return { letters: numbered(text) };
  const single = SINGLE.exec(text);
  if (single === null) return undefined;
  const letter = (single[1] ?? single[2] ?? single[3] ?? single[4] ?? single[5])!.toUpperCase();
  const rest = single[6]!;
  if (/^\s*(?:or|and|\/)\b/i.test(rest)) return "hedge";
  // The options as they were asked, not one of them.
  if (/\s\(?[A-J][.):] ?\S/.test(rest)) return undefined;
  const bracketed = single[4] === undefined && single[5] === undefined;
  if (!AFTER.test(rest) && !(bracketed && /^\s/.test(rest))) return undefined;
  if (DENIED.test(rest.slice(0, 30)) && /^(?:\s+(?:is|was)\b|是|项|选项)/.test(rest)) return undefined;
  // "A, B": the separator is not the end of one letter.
  if (/^[,;] ?(?:and |or )?\(?[A-Z]\)?(?:[\s,.)]|$)/.test(rest)) return "hedge";
  const value = /^(?:[.:)\]]+|\s+[-=]+|\s*\n|\s*\\\\|\s)\s*(\S.*)$/s.exec(rest)?.[1]?.trim();
  // Another letter by itself is another answer, not the text of this option.
  if (value !== undefined && ONE.test(value) && ONE.exec(value)![1] !== letter) return "hedge";
  return value === undefined || /^(?:is|was|since|because|as|due|based)\b/.test(value)
    ? { letters: letter }
    : { letters: letter, value };
}
