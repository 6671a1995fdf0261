/**
 * Benchmark pictures that a corpus' pictures are compared with, one by one: 10,000 comparisons take less time than
 * decoding one picture. Pictures that several questions show are compared once.
 */
import { colorDifference, differingBits, type LookLimits, type PictureLook } from "./picture-look";

/** A question whose picture looks the same. */
export interface PictureMatch {
  readonly item: number;
  /** 1 for equal looks, 0 at the limit of the colors. */
  readonly similarity: number;
}

/** One look, and the questions that show it. */
interface Shown {
  readonly look: PictureLook;
  readonly items: number[];
}

export class PictureIndex {
  readonly #looks = new Map<string, Shown>();
  readonly #items = new Set<number>();
  readonly #limits: LookLimits & { readonly common: number };

  constructor(limits: LookLimits & { readonly common: number }) {
    this.#limits = limits;
  }

  /** Number of different looks. */
  get size(): number {
    return this.#looks.size;
  }

  /** Whether a question has a picture here. */
  has(item: number): boolean {
    return this.#items.has(item);
  }

  add(look: PictureLook, item: number): void {
    const key = `${look.high} ${look.low} ${Buffer.from(look.colors).toString("base64")}`;
    this.#items.add(item);
    const shown = this.#looks.get(key);
    if (shown === undefined) this.#looks.set(key, { look, items: [item] });
    else if (!shown.items.includes(item)) shown.items.push(item);
  }

  /** The questions that show the picture; none if more than `common` different benchmark pictures look like it. */
  match(look: PictureLook): PictureMatch[] {
    const { bits, difference, common } = this.#limits;
    const found: { readonly shown: Shown; readonly off: number }[] = [];
    for (const shown of this.#looks.values()) {
      if (differingBits(look, shown.look) > bits) continue;
      const off = colorDifference(look.colors, shown.look.colors);
      if (off <= difference) found.push({ shown, off });
    }
    if (found.length > common) return [];
    return found.flatMap(({ shown, off }) =>
      shown.items.map((item) => ({ item, similarity: difference === 0 ? 1 : 1 - off / difference })),
    );
  }
}
