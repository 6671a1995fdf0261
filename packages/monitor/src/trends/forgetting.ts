/**
 * Forgetting: a source's held-out accuracy falls while that of the others rises. The fall is measured from the source's
 * best evaluation so far, the others' rise since that same evaluation.
 *
 * The best of several noisy numbers is high by chance, and so a fall counts as certain only beyond three standard
 * errors of the difference; accuracies in [0, 1] with mean p have a variance of at most p (1 - p).
 */

/** What an evaluation says of a source. */
export interface EvaluationPoint {
  readonly step: number;
  readonly accuracy: number;
  readonly samples: number;
}

export interface Forgetting {
  /** From the best evaluation so far, at least 0. */
  readonly drop: number;
  /** Mean change of the other sources since then; absent if none of them was evaluated then and now. */
  readonly othersGain?: number;
  /** `drop` where it exceeds chance and the others rose, else 0. */
  readonly certainDrop: number;
}

const STANDARD_ERRORS = 3;

/**
 * @param history of each source, by step, the evaluation in question last
 * @returns undefined for a source's first evaluation
 */
export function forgettingOf(
  source: string,
  history: ReadonlyMap<string, readonly EvaluationPoint[]>,
): Forgetting | undefined {
  const points = history.get(source) ?? [];
  const now = points.at(-1);
  if (now === undefined || points.length < 2) return undefined;
  const best = points.slice(0, -1).reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const drop = Math.max(0, best.accuracy - now.accuracy);
  const gains = [...history].flatMap(([other, theirs]) => {
    const at = (step: number) => theirs.find((point) => point.step === step)?.accuracy;
    const [then, after] = [at(best.step), at(now.step)];
    return other === source || then === undefined || after === undefined ? [] : [after - then];
  });
  if (gains.length === 0) return { drop, certainDrop: 0 };
  const othersGain = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const variance = ({ accuracy, samples }: EvaluationPoint): number =>
    samples > 0 ? Math.max(0, accuracy * (1 - accuracy)) / samples : Infinity;
  const error = Math.sqrt(variance(best) + variance(now));
  const isCertain = othersGain > 0 && drop > STANDARD_ERRORS * error;
  return { drop, othersGain, certainDrop: isCertain ? drop : 0 };
}
