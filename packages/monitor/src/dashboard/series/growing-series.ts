import type { Points } from "./downsample";
import { firstAfter } from "./step-search";

/** Points that a series holds exactly; twice what the dashboard is meant for (10,000 steps), 200 kB a series. */
const EXACT_POINTS = 16_384;

/**
 * A metric that grows with the run in memory that does not: once it is full its older half is reduced to the extremes
 * of short stretches, so that every spike is still there. Steps are numbers, values float64; steps ascend, a repeated
 * step replaces the last value, and a step that lies before it begins a new attempt, which replaces what came after it.
 */
export class GrowingSeries implements Points {
  #steps = new Float64Array(64);
  #values = new Float64Array(64);
  #length = 0;
  readonly #capacity: number;
  #isThinned = false;
  #wentBackTo: number | null = null;

  /** @param capacity points at which the older half is reduced; at least 16 */
  constructor(capacity: number = EXACT_POINTS) {
    this.#capacity = capacity;
  }

  /** Whether the older half was reduced. */
  get isThinned(): boolean {
    return this.#isThinned;
  }

  /** The step at which the latest attempt began; null if there was only one. */
  get wentBackTo(): number | null {
    return this.#wentBackTo;
  }

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

  push(step: number, value: number): void {
    let last = this.#length === 0 ? -Infinity : this.#steps[this.#length - 1]!;
    if (step < last) {
      this.#wentBackTo = step;
      this.#length = firstAfter(this.steps, step, true);
      last = -Infinity;
    }
    if (Number.isNaN(step)) return;
    if (step === last) {
      this.#values[this.#length - 1] = value;
      return;
    }
    if (this.#length === this.#capacity) this.#reduce();
    if (this.#length === this.#steps.length) this.#grow();
    this.#steps[this.#length] = step;
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  #grow(): void {
    const size = Math.min(this.#capacity, this.#steps.length * 2);
    const steps = new Float64Array(size);
    const values = new Float64Array(size);
    steps.set(this.#steps);
    values.set(this.#values);
    this.#steps = steps;
    this.#values = values;
  }

  /** Of four neighbors in the older half the smallest and the largest stay, in their order. */
  #reduce(): void {
    this.#isThinned = true;
    const steps = this.#steps;
    const values = this.#values;
    const half = (this.#length >> 1) & ~3;
    let to = 0;
    for (let from = 0; from < half; from += 4) {
      let low = from;
      // NaN is neither smaller nor larger than anything; it must not hide what is.
      while (low < from + 3 && Number.isNaN(values[low]!)) low += 1;
      let high = low;
      for (let index = low + 1; index < from + 4; index += 1) {
        const value = values[index]!;
        if (value < values[low]!) low = index;
        if (value > values[high]!) high = index;
      }
      const isOne = low === high;
      const first = isOne && low === from + 3 ? from : Math.min(low, high);
      const second = isOne ? from + 3 : Math.max(low, high);
      steps[to] = steps[first]!;
      values[to] = values[first]!;
      steps[to + 1] = steps[second]!;
      values[to + 1] = values[second]!;
      to += 2;
    }
    steps.copyWithin(to, half, this.#length);
    values.copyWithin(to, half, this.#length);
    this.#length += to - half;
  }
}
