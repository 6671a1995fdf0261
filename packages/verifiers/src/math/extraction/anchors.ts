/**
 * The phrases that announce an answer: "final answer is", "final answer .. is", "answer:", "answer". Found once per text and shared by
 * all targets.
 */
import { isSpace, skipSpace } from "../text";

export interface Anchors {
  /** Ends of every "answer". */
  readonly answers: readonly number[];
  /** Ends of every "final answer". */
  readonly finals: readonly number[];
}

const ANSWER = /(final )?answer/gi;

export const findAnchors = (text: string): Anchors => {
  const answers: number[] = [];
  const finals: number[] = [];
  ANSWER.lastIndex = 0;
  for (let match = ANSWER.exec(text); match !== null; match = ANSWER.exec(text)) {
    answers.push(ANSWER.lastIndex);
    if (match[1] !== undefined) finals.push(ANSWER.lastIndex);
  }
  return { answers, finals };
};

export const ANSWER_LENGTH = 6;
export const FINAL_ANSWER_LENGTH = 12;

/** Whether the text goes on with this word, in any case. */
export const continuesWith = (text: string, at: number, word: string): boolean => text.slice(at, at + word.length).toLowerCase() === word;

/** The place `most` characters (code points) on, or the end of the text, or the next newline unless `newlines`. */
export const gapEnd = (text: string, start: number, most: number, newlines: boolean): number => {
  let at = start;
  for (let count = 0; count < most && at < text.length; count++) {
    const code = text.charCodeAt(at);
    if (code === 10 && !newlines) break;
    at += code >= 0xd800 && code < 0xdc00 && at + 1 < text.length ? 2 : 1;
  }
  return at;
};

/** After "final answer" and a gap: blanks, "is" and perhaps a colon; -1 when they are not there. */
export const afterIs = (text: string, at: number): number => {
  if (!isSpace(text.charCodeAt(at))) return -1;
  const word = skipSpace(text, at);
  if (!text.startsWith("is", word)) return -1;
  return text[word + 2] === ":" ? word + 3 : word + 2;
};

/** Whether `I hope` follows, after a full stop and a blank that may be missing. */
export const hopeFollows = (text: string, at: number): number => {
  const stop = text[at] === "." ? at + 1 : at;
  for (const start of [isSpace(text.charCodeAt(stop)) ? stop + 1 : stop, stop, at]) if (text.startsWith("I hope", start)) return start + 6;
  return -1;
};
