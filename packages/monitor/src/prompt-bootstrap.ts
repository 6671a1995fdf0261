/**
 * How far chance alone could have moved a mean over prompts: a bootstrap that draws prompts with replacement (A.
 * Davison, D. Hinkley, "Bootstrap Methods and Their Application", 1997, §2.3), because the answers to one prompt
 * resemble each other. Intervals are the percentile ones, 95%.
 */
import { seededRandom } from "./seeded-random";

export interface PromptBootstrapOptions {
  /** Default 1,000. */
  readonly resamples?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Ends of a 95% interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const TAIL = 0.025;

/**
 * Means of all columns in every resample.
 *
 * @param prompts a row of numbers per prompt, [prompts, columns]; at least one
 * @returns [resamples, columns]
 * @throws RangeError without prompts
 */
export function resampledMeans(
  prompts: readonly (readonly number[])[],
  { resamples = 1_000, seed = 1 }: PromptBootstrapOptions = {},
): Float64Array[] {
  const [first] = prompts;
  if (!first) throw new RangeError("resampledMeans: no prompts");
  const random = seededRandom(seed);
  return Array.from({ length: resamples }, () => {
    const means = new Float64Array(first.length);
    for (let draw = 0; draw < prompts.length; draw += 1) {
      const row = prompts[Math.floor(random() * prompts.length)]!;
      for (let column = 0; column < means.length; column += 1) means[column]! += row[column]!;
    }
    return means.map((sum) => sum / prompts.length);
  });
}

/** The middle 95% of some values. */
export function intervalOf(values: readonly number[]): Interval {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)]!;
    return low + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - low);
  };
  return { low: at(TAIL), high: at(1 - TAIL) };
}
