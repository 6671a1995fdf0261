import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Which task comes next. All sessions share one endless order: every task once, shuffled, then every task again in
 * another order. A client that gives a seed gets the task that belongs to it, whoever else asks.
 */
export class TaskOrder {
  readonly #random: ReturnType<typeof xoroshiro128plus>;
  #left: number[] = [];

  /** @param count number of tasks; at least 1 */
  constructor(
    readonly count: number,
    seed: number,
  ) {
    this.#random = xoroshiro128plus(seed);
  }

  next(): number {
    if (this.#left.length === 0) this.#left = Array.from({ length: this.count }, (_, index) => index);
    const at = uniformInt(this.#random, 0, this.#left.length - 1);
    const found = this.#left[at] as number;
    // The last one takes its place: a Fisher-Yates shuffle, a step at a time.
    this.#left[at] = this.#left.at(-1) as number;
    this.#left.pop();
    return found;
  }

  /** The tasks of a seed, best first: the second one is for a first one that cannot be used. */
  *ofSeed(seed: number): Generator<number, never, undefined> {
    // Its high bits count, too.
    const random = xoroshiro128plus((seed ^ Math.floor(seed / 2 ** 32)) | 0);
    for (;;) yield uniformInt(random, 0, this.count - 1);
  }
}
