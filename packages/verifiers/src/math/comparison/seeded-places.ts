/**
 * The places at which formulas are compared: drawn, but the same in every comparison, as verdicts must not depend on
 * what was compared before.
 */
import { type Random, generator } from "../random";

const SEED = 0x5eed;

/** Where the places of one test are drawn from. */
export function seededRandom(): Random {
  return generator(SEED);
}

/** A random number whose size is between `least` and `least + range`. */
export function signed(random: Random, least: number, range: number): number {
  const size = least + range * random();
  return random() < 0.5 ? size : -size;
}

/** A place for every symbol. */
export function pointOf<T>(keys: Iterable<string>, place: (key: string, nth: number) => T): Map<string, T> {
  return new Map([...keys].map((key, nth) => [key, place(key, nth)]));
}
