import { minMaxIndexes, type Points } from "./downsample";

/** Points that a series holds exactly; twice what the dashboard is meant for (10,000 steps), 200 kB a series. */
const EXACT_POINTS = 16_384;

/**
 * A metric that grows with the run in memory that does not: once it is full its older half is reduced to the extremes of short stretches, so
 * that every spike is still there. Steps are numbers, values float64; steps ascend, a repeated step replaces the last value.
 */
export class GrowingSeries implements Points {
  #steps = new Float64Array(64);
  #values = new Float64Array(64);
  #length = 0;

  /** @param capacity points at which the older half is reduced; at least 16 */
  constructor(private readonly capacity: number = EXACT_POINTS) {}

  get length(): number {
    return this.#length;
  }

  /** A view that later pushes may overwrite. */
  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#length);
  }

  /** A view that later pushes may overwrite. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** A step that lies before the last one is not of this run any more and is left out. */
  push(step: number, value: number): void {
    const last = this.#length === 0 ? -Infinity : this.#steps[this.#length - 1]!;
    if (!(step >= last)) return;
    if (step === last) {
      this.#values[this.#length - 1] = value;
      return;
    }
    if (this.#length === this.capacity) this.#reduce();
    if (this.#length === this.#steps.length) this.#grow();
    this.#steps[this.#length] = step;
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  #grow(): void {
    const size = Math.min(this.capacity, this.#steps.length * 2);
    const steps = new Float64Array(size);
    const values = new Float64Array(size);
    steps.set(this.#steps);
    values.set(this.#values);
    this.#steps = steps;
    this.#values = values;
  }

  #reduce(): void {
    const half = this.#length >> 1;
    const kept = minMaxIndexes({ steps: this.#steps.subarray(0, half), values: this.#values.subarray(0, half) }, half >> 1);
    for (const [to, from] of kept.entries()) {
      this.#steps[to] = this.#steps[from]!;
      this.#values[to] = this.#values[from]!;
    }
    this.#steps.copyWithin(kept.length, half, this.#length);
    this.#values.copyWithin(kept.length, half, this.#length);
    this.#length = kept.length + this.#length - half;
  }
}
