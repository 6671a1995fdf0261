/**
 * Seeded choices. Everything that decides a result draws from a generator that is passed in. Each use has a stream of
 * its own, named by what it is for and by the step, so that a resumed run draws the same without any saved state.
 */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export interface SeededRandom {
  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number;
  /** One entry, each as likely. */
  pick<T>(items: readonly T[]): T;
  /** `count` different entries in random order (fewer when there are fewer). */
  sample<T>(items: readonly T[], count: number): T[];
  /** True with the given probability (to one part in 2^30). */
  chance(probability: number): boolean;
  /** All entries in random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[];
}

/** A generator for `seed` (any integer; two streams of one seed differ by `stream`). */
export function createRandom(seed: number, stream = 0): SeededRandom {
  // Odd multipliers keep (seed, stream) pairs apart in 32 bits; the generator mixes the rest.
  return wrap(xoroshiro128plus((Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0));
}

function wrap(generator: ReturnType<typeof xoroshiro128plus>): SeededRandom {
  const int = (from: number, to: number) => uniformInt(generator, from, to);
  const shuffle = <T>(items: readonly T[]): T[] => {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = int(0, last);
      const kept = shuffled[last] as T;
      shuffled[last] = shuffled[other] as T;
      shuffled[other] = kept;
    }
    return shuffled;
  };
  return {
    int,
    shuffle,
    pick: <T>(items: readonly T[]) => {
      if (items.length === 0) throw new RangeError("pick: the list is empty");
      return items[int(0, items.length - 1)] as T;
    },
    sample: (items, count) => shuffle(items).slice(0, count),
    chance: (probability) => int(0, 2 ** 30 - 1) < probability * 2 ** 30,
  };
}
