/**
 * Mean, deviation and range of a stream in constant memory: Welford's recurrence, and its pairwise form for merging two
 * streams (Chan, Golub and LeVeque 1979), which keeps the deviation exact where sum-of-squares would cancel.
 */
export class RunningMoments {
  count = 0;
  mean = 0;
  min = Infinity;
  max = -Infinity;
  #squares = 0;

  /** Adds a finite value. */
  add(value: number): void {
    this.count += 1;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.#squares += delta * (value - this.mean);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  /** Adds all values that `other` has seen. */
  merge(other: RunningMoments): void {
    if (other.count === 0) return;
    const count = this.count + other.count;
    const delta = other.mean - this.mean;
    this.#squares += other.#squares + (delta * delta * this.count * other.count) / count;
    this.mean += (delta * other.count) / count;
    this.count = count;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
  }

  get sum(): number {
    return this.mean * this.count;
  }

  /** Population deviation (divided by n, as numpy's default); 0 for fewer than two values. */
  get std(): number {
    return this.count < 2 ? 0 : Math.sqrt(Math.max(0, this.#squares / this.count));
  }
}
