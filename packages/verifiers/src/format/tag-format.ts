/**
 * Format rewards for prompts with other tags than V-Triune's. The score is the share of marks that occur exactly once
 * and in the order of the list; a mark out of order earns nothing, so that `</think>..<think>` is not half right.
 */
import { countOccurrences } from "./count-occurrences";

/** A tag pair or a single mark of a format, in the order in which they should stand. */
export interface TagFormat {
  /** The marks in order, e.g. `["<think>", "</think>", "<answer>", "</answer>"]`. */
  readonly marks: readonly string[];
  /**
   * `share`: the part of the marks that stand right, in steps of 1 / marks. `all`: 1 only if every mark does. Default
   * `share`.
   */
  readonly mode?: "share" | "all";
  /** Whether nothing but white space may stand before the first mark and after the last. Default false. */
  readonly anchored?: boolean;
}

/** `<think>..</think><answer>..</answer>` with or without newlines around the tags. */
export const THINK_ANSWER_FORMAT: TagFormat = {
  marks: ["<think>", "</think>", "<answer>", "</answer>"],
  mode: "share",
};

/**
 * The same as an all-or-nothing check with nothing outside the blocks, as DeepSeek-R1's format reward is usually
 * written.
 */
export const STRICT_THINK_ANSWER_FORMAT: TagFormat = { ...THINK_ANSWER_FORMAT, mode: "all", anchored: true };

/**
 * Builds the marks of a list of tag names: `["plan", "answer"]` → `<plan>`, `</plan>`, `<answer>`, `</answer>`.
 *
 * @throws RangeError when the list is empty, repeats a name, or a name holds `<`, `>` or white space
 */
export function tagMarks(names: readonly string[]): readonly string[] {
  if (names.length === 0) throw new RangeError("tagMarks: at least one tag name expected, an empty list was given");
  for (const [index, name] of names.entries()) {
    if (!/^[^<>\s/]+$/.test(name))
      throw new RangeError(
        `tagMarks: names[${index}] is ${JSON.stringify(name)}; a name has no "<", ">", "/" or white space, e.g. "think"`,
      );
    if (names.indexOf(name) !== index)
      throw new RangeError(`tagMarks: names[${index}] repeats ${JSON.stringify(name)}; each tag is listed once`);
  }
  return names.flatMap((name) => [`<${name}>`, `</${name}>`]);
}

/**
 * Scores a response against a list of marks, in [0, 1].
 *
 * @example tagFormat("<plan>a</plan><answer>b</answer>", { marks: tagMarks(["plan", "answer"]) }) // 1
 */
export function tagFormat(response: string, format: TagFormat): number {
  const { marks, mode = "share", anchored = false } = format;
  if (marks.length === 0) return 1;
  let right = 0;
  let position = 0;
  for (const mark of marks) {
    if (mark.length === 0 || countOccurrences(response, mark) !== 1) continue;
    const at = response.indexOf(mark);
    if (at < position) continue;
    right++;
    position = at + mark.length;
  }
  if (anchored) {
    const first = response.indexOf(marks[0] as string);
    const clean = first !== -1 && response.slice(0, first).trim() === "" && response.slice(position).trim() === "";
    if (!clean) return 0;
  }
  if (mode === "all") return right === marks.length ? 1 : 0;
  return right / marks.length;
}
