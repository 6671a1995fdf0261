/** Finds British spellings and the phrases of the word list in a text. */
import { FIXED_NAMES, PHRASES, PLAIN, SPELLINGS } from "./word-list";

export interface Finding {
  readonly line: number;
  readonly found: string;
  readonly instead: string;
}

/** The words of a text and of its names: "normalisedRewards" has two. */
const WORD = /[A-Z]?[a-z]+|[A-Z]+/g;
/** What was found for each word: a text has few different ones. */
const americanForms = new Map<string, string | undefined>();
/** Between the words of a phrase: spaces, and the line break of a comment with its mark. */
const GAP = "(?:\\s|[*#/])+";
const PHRASE_PATTERNS = PHRASES.map(
  ([phrase, instead]) => [new RegExp(`\\b${phrase.replaceAll(" ", GAP)}\\b`, "gi"), phrase, instead] as const,
);

/** British spellings in names, comments, strings and prose. */
export function findSpellings(text: string): Finding[] {
  const own = blank(text, FIXED_NAMES);
  return [...own.matchAll(WORD)].flatMap((match) => {
    const instead = americanForm(match[0].toLowerCase());
    return instead === undefined ? [] : [{ line: lineAt(text, match.index), found: match[0], instead }];
  });
}

/** Phrases that have a fixed form in docs/words.md. */
export function findPhrases(text: string): Finding[] {
  const own = blank(text, PLAIN);
  return PHRASE_PATTERNS.flatMap(([pattern, found, instead]) =>
    [...own.matchAll(pattern)].map(({ index }) => ({ line: lineAt(text, index), found, instead })),
  );
}

/** A text with spaces in place of what a pattern finds: places stay the same. */
function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (found) => " ".repeat(found.length));
}

function americanForm(word: string): string | undefined {
  if (!americanForms.has(word)) {
    const rule = SPELLINGS.find(([british]) => british.test(word));
    americanForms.set(word, rule && word.replace(rule[0], rule[1]));
  }
  return americanForms.get(word);
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
