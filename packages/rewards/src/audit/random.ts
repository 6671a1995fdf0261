/** Seeded draws: the minimal standard generator of Park and Miller, x ← 48271·x mod 2³¹-1. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  pick<T>(list: readonly T[]): T;
  /** At most `count` items, in their order. */
  sample<T>(list: readonly T[], count: number): T[];
}

const MODULUS = 2_147_483_647;

/** A generator of its own for each seed. */
export function createRandom(seed: number): Random {
  let state = (Math.abs(Math.trunc(seed)) % (MODULUS - 1)) + 1;
  const next = () => {
    state = (state * 48_271) % MODULUS;
    return (state - 1) / (MODULUS - 1);
  };
  const below = (count: number) => Math.min(count - 1, Math.floor(next() * count));
  return {
    next,
    below,
    pick: (list) => list[below(list.length)]!,
    sample(list, count) {
      if (list.length <= count) return [...list];
      const chosen: (typeof list)[number][] = [];
      for (const [index, item] of list.entries())
        if (next() < (count - chosen.length) / (list.length - index)) chosen.push(item);
      return chosen;
    },
  };
}
