/**
 * Compares rows of a corpus with benchmarks, row by row, and decides at the end which phrases were too common to say
 * anything: those that more than `common` different texts of the corpus have.
 */
import { hashWords } from "./hashed-words";
import type { PictureLook } from "./picture-look";
import type { References } from "./references";
import { PHRASE, type TextMethod } from "./text-index";

/** A row and a question that have a text or a picture in common. */
export interface ContaminationHit {
  /** Position of the question in the references. */
  readonly item: number;
  readonly kind: "text" | "picture";
  /** What both have; 0 for pictures. */
  readonly key: number;
  /** Where it begins in the text, in words. */
  readonly start: number;
  /** 0..1. */
  readonly similarity: number;
}

/** A hit by a text; a short one counts only if the pictures do not say otherwise. */
export interface TextHit extends ContaminationHit {
  readonly isShort: boolean;
}

export class ContaminationFinder {
  readonly #references: References;
  readonly #common: number;
  readonly #ownWords: number;
  /** Different texts that have a phrase, up to one over the limit. */
  readonly #texts = new Map<number, Set<number>>();

  constructor(references: References, method: Pick<TextMethod, "common" | "shortest"> | null) {
    this.#references = references;
    this.#common = method?.common ?? 0;
    this.#ownWords = method?.shortest ?? 0;
  }

  /** Words that a run next to a phrase must have of its own. */
  get ownWords(): number {
    return this.#ownWords;
  }

  /**
   * The questions that share a text with a row.
   *
   * @param about tells rows with equal texts apart, for example by their pictures: a row that is repeated counts once
   */
  text(text: string, about: string): TextHit[] {
    const { text: index } = this.#references;
    if (index === null || text === "") return [];
    const words = hashWords(text);
    const matches = index.match(words);
    if (!matches.some(({ item }) => item !== PHRASE)) return [];
    const aboutWords = hashWords(`${text}\n${about}`);
    const whole = aboutWords.key(0, aboutWords.count);
    const phrases: number[] = [];
    for (const { item, key, start } of matches) {
      const texts = this.#texts.get(key) ?? new Set();
      if (item !== PHRASE && texts.size <= this.#common) this.#texts.set(key, texts.add(whole));
      if (item === PHRASE || texts.size > this.#common) phrases.push(start);
    }
    const isOwn = (start: number): boolean => phrases.every((phrase) => Math.abs(start - phrase) >= this.#ownWords);
    return matches
      .filter(({ item, start }) => item !== PHRASE && isOwn(start))
      .map(({ isShort, ...match }) => ({ ...match, kind: "text", isShort }));
  }

  /** All hits of a row: its text hits, without short ones about another picture, and its picture hits. */
  hits(texts: readonly TextHit[], looks: readonly (PictureLook | null)[]): ContaminationHit[] {
    const pictures = this.#pictures(looks);
    const shows = new Set(pictures.map(({ item }) => item));
    const hasLook = looks.some((look) => look !== null);
    const isAboutAnother = ({ item, isShort }: TextHit): boolean =>
      isShort && hasLook && this.#references.pictures?.has(item) === true && !shows.has(item);
    return [...texts.filter((hit) => !isAboutAnother(hit)), ...pictures];
  }

  /** The questions that show the same pictures as a row. */
  #pictures(looks: readonly (PictureLook | null)[]): ContaminationHit[] {
    const { pictures: index } = this.#references;
    if (index === null) return [];
    const found = new Map<number, ContaminationHit>();
    for (const look of looks) {
      if (look === null) continue;
      for (const { item, similarity } of index.match(look))
        if (!found.has(item)) found.set(item, { item, kind: "picture", key: 0, start: 0, similarity });
    }
    return [...found.values()];
  }

  /** After all rows: the phrases that too many different texts have. */
  commonKeys(): number[] {
    return [...this.#texts].filter(([, texts]) => texts.size > this.#common).map(([key]) => key);
  }
}
