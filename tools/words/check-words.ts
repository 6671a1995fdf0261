/** Spellings and phrases of many files, as one text per problem. */
import { findPhrases, findSpellings, type Finding } from "./find-words";

/** Folders or files that have not been brought to the word list yet, by what is not checked there. */
export interface Unfinished {
  readonly spelling: readonly string[];
  readonly phrasing: readonly string[];
}

/** A word that must stay as it is in some files: a key of a configuration, a text that a model is trained on. */
export interface KeptWord {
  readonly word: string;
  readonly files: RegExp;
  readonly reason: string;
}

export interface WordRules {
  readonly unfinished: Unfinished;
  readonly kept: readonly KeptWord[];
}

/**
 * @param files text by path
 * @returns the problems, and the unfinished folders and kept words that are finished or gone
 */
export function checkWords(files: ReadonlyMap<string, string>, { unfinished, kept }: WordRules): string[] {
  const usedKept = new Set<KeptWord>();
  const spellings = [...files].flatMap(([file, text]) =>
    findSpellings(text)
      .filter(({ found }) => {
        const keep = kept.find(({ word, files: where }) => word === found.toLowerCase() && where.test(file));
        if (keep !== undefined) usedKept.add(keep);
        return keep === undefined;
      })
      .map((finding) => ({ file, finding })),
  );
  const phrases = [...files].flatMap(([file, text]) => findPhrases(text).map((finding) => ({ file, finding })));
  return [
    ...problemsOf(spellings, unfinished.spelling, "spelling"),
    ...problemsOf(phrases, unfinished.phrasing, "phrasing"),
    ...kept
      .filter((one) => !usedKept.has(one))
      .map(
        ({ word, files: where }) =>
          `"${word}" is not in ${where} any more.\n  fix: remove it from tools/check-words.ts`,
      ),
  ];
}

function problemsOf(
  places: readonly { readonly file: string; readonly finding: Finding }[],
  unfinished: readonly string[],
  kind: keyof Unfinished,
): string[] {
  const isIn = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);
  const finished = unfinished.filter((folder) => !places.some(({ file }) => isIn(file, folder)));
  return [
    ...places
      .filter(({ file }) => !unfinished.some((folder) => isIn(file, folder)))
      .map(
        ({ file, finding }) =>
          `${file}:${finding.line}: "${finding.found}"\n  fix: write ${finding.instead} (docs/words.md)`,
      ),
    ...finished.map(
      (folder) =>
        `${folder}: its ${kind} needs no exception any more.\n  fix: remove it from UNFINISHED in tools/check-words.ts`,
    ),
  ];
}
