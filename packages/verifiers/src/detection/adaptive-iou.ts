/**
 * Adaptive IoU (MedLoc-R1, arXiv 2603.28120): the threshold τ rises when the answers are accurate, stable and have
 * margin, instead of at fixed shares of the run. Over a window of the newest N groups of answers:
 *
 *     r̄ = mean of the groups' hit rates         hit: a gold box found at IoU ≥ τ
 *     σ = standard deviation of the groups' hit rates
 *     m̄ = mean of the groups' IoUs − τ
 *     τ ← min(τ + δ(τ), target)                 if r̄ ≥ P(τ), σ ≤ S(τ) and m̄ ≥ Δ
 *
 * P falls and S grows with τ, δ shrinks. After a change the newest ⌊N/2⌋ groups stay in the window.
 *
 * Source: notes on the paper, not its own text, and its code is not published. From the notes: the rule, N = 30, τ from
 * 0.3 to 0.8, δ = 0.15, 0.10, 0.05, Δ = 0.10. From an independent reimplementation: the values of P and S and from
 * which τ on each holds. Chosen here:
 *   - the window counts groups, as a step of the paper has one; τ is fixed within a step and rises once in it at most;
 *   - σ is over groups: single hits of which four in five are right already deviate by 0.4, above the paper's S;
 *   - an answer has several gold boxes here, so that its hit rate is the share that was found;
 *   - a window that is not full decides nothing.
 */
import { IouScheduleError } from "./iou-schedule";

/** What holds from a threshold on. */
export interface AdaptiveIouStage {
  /** The least τ of the stage; 0 in the first. */
  readonly from: number;
  /** δ: by how much τ rises. */
  readonly rise: number;
  /** P: the least mean hit rate. */
  readonly accuracy: number;
  /** S: the largest deviation of the hit rates. */
  readonly deviation: number;
}

/** How a threshold adapts. */
export interface AdaptiveIouOptions {
  /** τ of the first step. */
  readonly start: number;
  /** τ never rises above it. */
  readonly target: number;
  /** N: groups in the window. */
  readonly window: number;
  /** Δ: by how much the mean IoU must be above τ. */
  readonly margin: number;
  readonly stages: readonly AdaptiveIouStage[];
}

/** The values of the paper, as far as they are known (see above). */
export const DEFAULT_ADAPTIVE_IOU: AdaptiveIouOptions = {
  start: 0.3,
  target: 0.8,
  window: 30,
  margin: 0.1,
  stages: [
    { from: 0, rise: 0.15, accuracy: 0.8, deviation: 0.2 },
    { from: 0.6, rise: 0.1, accuracy: 0.75, deviation: 0.35 },
    { from: 0.75, rise: 0.05, accuracy: 0.55, deviation: 0.4 },
  ],
};

/** Answers of one group: means over them. */
export interface GroupOverlap {
  /** Share of the gold boxes that were found at the threshold, in [0, 1]. */
  readonly hits: number;
  /** IoU of the gold boxes with what was matched to them, whatever the threshold, in [0, 1]. */
  readonly iou: number;
}

/** All that the next threshold depends on; plain data, for a checkpoint. */
export interface AdaptiveIouState {
  readonly threshold: number;
  /** Oldest first. */
  readonly window: readonly GroupOverlap[];
}

/** What the window says of the threshold. */
export interface AdaptiveIouStatistics {
  readonly groups: number;
  /** r̄ */
  readonly hits: number;
  /** σ */
  readonly deviation: number;
  /** m̄ */
  readonly margin: number;
}

/** @throws IouScheduleError with the option, what was expected and what was found */
export function checkAdaptiveIou({ start, target, window, margin, stages }: AdaptiveIouOptions): void {
  const isThreshold = (value: number): boolean => value > 0 && value <= 1;
  if (!isThreshold(start)) throw unusable("start", "0 < start <= 1", start);
  if (!(isThreshold(target) && target >= start)) throw unusable("target", `from start (${start}) to 1`, target);
  if (!(Number.isInteger(window) && window >= 1)) throw unusable("window", "a whole number of groups above 0", window);
  if (!(margin >= 0 && margin < 1)) throw unusable("margin", "0 <= margin < 1", margin);
  if (stages[0]?.from !== 0) throw unusable("stages", "a first stage with from: 0", stages[0]?.from ?? "no stage");
  for (const [index, { from, rise, accuracy, deviation }] of stages.entries()) {
    const before = stages[index - 1];
    if (before !== undefined && !(from > before.from))
      throw unusable(`stages[${index}].from`, `more than ${before.from}`, from);
    if (!(rise > 0 && rise <= 1)) throw unusable(`stages[${index}].rise`, "0 < rise <= 1", rise);
    if (!(accuracy >= 0 && accuracy <= 1)) throw unusable(`stages[${index}].accuracy`, "0 <= accuracy <= 1", accuracy);
    if (!(deviation >= 0)) throw unusable(`stages[${index}].deviation`, "a number of at least 0", deviation);
  }
}

function unusable(where: string, expected: string, found: number | string): IouScheduleError {
  return new IouScheduleError({ what: "The adaptive IoU cannot be used.", where, expected, found: `${found}` });
}

/** The state before the first step. */
export function startAdaptiveIou({ start }: AdaptiveIouOptions): AdaptiveIouState {
  return { threshold: start, window: [] };
}

/**
 * The state after a step: its groups join the window, and the threshold rises if the window says so.
 *
 * @param groups of the step, in order, judged at `state.threshold`
 */
export function adaptIou(
  state: AdaptiveIouState,
  groups: readonly GroupOverlap[],
  options: AdaptiveIouOptions,
): AdaptiveIouState {
  const { threshold } = state;
  const window = [...state.window, ...groups].slice(-options.window);
  if (window.length < options.window || groups.length === 0 || threshold >= options.target)
    return { threshold, window };
  const { hits, deviation, margin } = adaptiveIouStatistics({ threshold, window });
  const stage = options.stages.findLast(({ from }) => threshold >= from)!;
  const isReady = hits >= stage.accuracy && deviation <= stage.deviation && rounded(margin) >= options.margin;
  if (!isReady) return { threshold, window };
  const kept = Math.floor(options.window / 2);
  return {
    threshold: Math.min(rounded(threshold + stage.rise), options.target),
    window: kept === 0 ? [] : window.slice(-kept),
  };
}

/** Without the last bits, in which 0.7 + 0.1 is less than 0.8. */
const rounded = (value: number): number => Math.round(value * 1e9) / 1e9;

/** The window in numbers; all 0 without a group. */
export function adaptiveIouStatistics({ threshold, window }: AdaptiveIouState): AdaptiveIouStatistics {
  const groups = window.length;
  if (groups === 0) return { groups, hits: 0, deviation: 0, margin: 0 };
  const hits = window.reduce((sum, group) => sum + group.hits, 0) / groups;
  const variance = window.reduce((sum, group) => sum + (group.hits - hits) ** 2, 0) / groups;
  const margin = window.reduce((sum, group) => sum + group.iou, 0) / groups - threshold;
  return { groups, hits, deviation: Math.sqrt(variance), margin };
}
