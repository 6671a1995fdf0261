/**
 * LaTeX answers in running text, by anchor. Priorities as in Math-Verify 0.9: 0 "final answer is .. I hope", 50 "final answer .. is", 100
 * "answer:", 200 "answer", 300 anywhere; `\boxed{` at the target's own priority.
 */
import { spend } from "../budget";
import type { LatexTarget } from "../options";
import { isSpace, skipSpace } from "../text";
import { type Anchors, ANSWER_LENGTH, FINAL_ANSWER_LENGTH, afterIs, continuesWith, gapEnd, hopeFollows } from "./anchors";
import { type Environment, EnvironmentReader } from "./latex-environments";

export interface LatexMatch {
  readonly start: number;
  readonly end: number;
  readonly items: readonly Environment[];
  readonly boxed: boolean;
}

type Group = ReturnType<EnvironmentReader["groupAt"]>;

export class LatexExtraction {
  readonly #reader: EnvironmentReader;

  readonly #text: string;
  readonly #anchors: Anchors;
  readonly #target: LatexTarget;

  constructor(text: string, anchors: Anchors, target: LatexTarget) {
    this.#text = text;
    this.#anchors = anchors;
    this.#target = target;
    this.#reader = new EnvironmentReader(text);
  }

  priorities(): readonly number[] {
    const list = [0, 50, 100, 200];
    if (this.#target.tryExtractWithoutAnchor) list.push(300);
    if (this.#target.boxedMatchPriority >= 0) list.push(this.#target.boxedMatchPriority);
    return list;
  }

  matches(priority: number): LatexMatch[] {
    const found: LatexMatch[] = [];
    if (priority === 0) this.#finalHope(found);
    else if (priority === 50) this.#finalIs(found);
    else if (priority === 100 || priority === 200) this.#answers(found, priority === 100);
    else if (priority === 300 && this.#target.tryExtractWithoutAnchor) {
      for (const group of this.#reader.groups("plain")) found.push({ ...group, boxed: false });
      spend(this.#text.length);
    }
    if (priority === this.#target.boxedMatchPriority) this.#boxed(found);
    return found;
  }

  #groupAfterBlanks(at: number): Group {
    const start = skipSpace(this.#text, at);
    return this.#reader.groupAt(start) ?? (start > at && isSpace(this.#text.charCodeAt(start - 1)) ? this.#reader.groupAt(start - 1) : null);
  }

  #finalHope(found: LatexMatch[]): void {
    let from = 0;
    for (const end of this.#anchors.finals) {
      const start = end - FINAL_ANSWER_LENGTH;
      if (start < from || !continuesWith(this.#text, end, " is")) continue;
      const after = end + 3;
      const group = this.#groupAfterBlanks(this.#text[after] === ":" ? after + 1 : after);
      const stop = group === null ? -1 : hopeFollows(this.#text, group.end);
      if (stop < 0) continue;
      found.push({ start, end: stop, items: group!.items, boxed: false });
      from = stop;
    }
  }

  #finalIs(found: LatexMatch[]): void {
    let from = 0;
    for (const end of this.#anchors.finals) {
      const start = end - FINAL_ANSWER_LENGTH;
      if (start < from) continue;
      spend(50);
      const last = gapEnd(this.#text, end, 100, true);
      for (let at = end; at <= last; at++) {
        const after = afterIs(this.#text, at);
        const group = after < 0 ? null : this.#groupAfterBlanks(after);
        if (group === null) continue;
        found.push({ start, end: group.end, items: group.items, boxed: false });
        from = group.end;
        break;
      }
    }
  }

  #answers(found: LatexMatch[], colon: boolean): void {
    let from = 0;
    for (const end of this.#anchors.answers) {
      const start = end - ANSWER_LENGTH;
      if (start < from || (colon && this.#text[end] !== ":")) continue;
      spend(20);
      const gap = colon ? end + 1 : end;
      const last = gapEnd(this.#text, gap, 50, true);
      for (let at = this.#reader.nextOpening(gap); at >= 0 && at <= last; at = this.#reader.nextOpening(at + 1)) {
        const group = this.#reader.groupAt(at);
        if (group === null) continue;
        found.push({ start, end: group.end, items: group.items, boxed: false });
        from = group.end;
        break;
      }
    }
  }

  /** Environments that hold a box; and the text from the first `\boxed{` to the last `}`: where each box ends is settled when the match is cleaned up. */
  #boxed(found: LatexMatch[]): void {
    const start = this.#text.indexOf("\\boxed{");
    if (start < 0) return;
    for (const group of this.#reader.groups("boxed")) found.push({ ...group, boxed: false });
    spend(this.#text.length);
    const close = this.#text.lastIndexOf("}");
    if (close < start + 8) return;
    const content = this.#text.slice(start, close + 1);
    found.push({ start, end: close + 1, items: [{ content, percent: false, end: close + 1 }], boxed: true });
  }
}
