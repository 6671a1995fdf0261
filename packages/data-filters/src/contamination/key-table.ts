/**
 * Which of a fixed set of keys a number is: an open hash table in two typed arrays. A Map of numbers that are no small
 * integers takes five times as long to say that a key is missing, which is what is asked 13 times per row of a corpus.
 */
export class KeyTable {
  readonly #keys: Float64Array;
  readonly #values: Int32Array;
  readonly #mask: number;

  /** @param keys different whole numbers under 2^53 whose lowest 32 bits are well mixed, with their positions */
  constructor(keys: Iterable<number>, count: number) {
    let capacity = 16;
    while (capacity < 2 * count) capacity *= 2;
    this.#keys = new Float64Array(capacity).fill(-1);
    this.#values = new Int32Array(capacity);
    this.#mask = capacity - 1;
    let position = 0;
    for (const key of keys) {
      const slot = this.#slotOf(key);
      this.#keys[slot] = key;
      this.#values[slot] = position++;
    }
  }

  /** The position of a key, or -1. */
  get(key: number): number {
    const slot = this.#slotOf(key);
    return this.#keys[slot] === key ? (this.#values[slot] as number) : -1;
  }

  #slotOf(key: number): number {
    let slot = (key >>> 0) & this.#mask;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & this.#mask;
    return slot;
  }
}
