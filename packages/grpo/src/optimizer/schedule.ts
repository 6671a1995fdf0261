/**
 * Learning-rate schedules, in float64, as transformers 5.23 `get_scheduler` computes them (their names too). With
 * warm-up, the first update has learning rate 0 and update `warmupSteps` is the first with the full one.
 *
 *   warm-up                    step / warmupSteps
 *   constant                   1
 *   linear                     (total - step) / (total - warmup)
 *   cosine                     (1 + cos(2π c x)) / 2, c = 0.5, x = (step - warmup) / (total - warmup)
 *   cosine_with_restarts       (1 + cos(π (c x mod 1))) / 2, c = 1, 0 from x = 1 on
 *   polynomial                 (lr - end)(1 - x)^p + end
 *   inverse_sqrt               1 / sqrt((step + shift) / timescale)
 *   cosine_with_min_lr         cosine between lr and minLr
 *   warmup_stable_decay        1, then a cosine down to minRatio over the last decaySteps
 */

/** A schedule by its transformers name. `totalSteps` counts updates. */
export type ScheduleConfig =
  | { readonly kind: "constant"; readonly warmupSteps?: number }
  | { readonly kind: "linear"; readonly warmupSteps?: number; readonly totalSteps: number }
  | { readonly kind: "cosine"; readonly warmupSteps?: number; readonly totalSteps: number; readonly cycles?: number }
  | {
      readonly kind: "cosine_with_restarts";
      readonly warmupSteps?: number;
      readonly totalSteps: number;
      readonly cycles?: number;
    }
  | {
      readonly kind: "polynomial";
      readonly warmupSteps?: number;
      readonly totalSteps: number;
      readonly power?: number;
      /** Learning rate at the end. Default 1e-7. */
      readonly endLearningRate?: number;
    }
  | { readonly kind: "inverse_sqrt"; readonly warmupSteps?: number; readonly timescale?: number }
  | {
      readonly kind: "cosine_with_min_lr";
      readonly warmupSteps?: number;
      readonly totalSteps: number;
      readonly cycles?: number;
      readonly minLearningRate: number;
    }
  | {
      readonly kind: "warmup_stable_decay";
      readonly warmupSteps?: number;
      readonly totalSteps: number;
      readonly decaySteps: number;
      /** Lowest multiple of the learning rate, also the start of the warm-up. Default 0. */
      readonly minRatio?: number;
    };

/**
 * The learning rate of one update.
 * @example scheduledLearningRate({ kind: "constant", warmupSteps: 4 }, 1e-6, 1) // 2.5e-7
 * @param step updates done before this one, from 0
 * @returns learning rate, same unit as `baseLearningRate`
 */
export function scheduledLearningRate(config: ScheduleConfig, baseLearningRate: number, step: number): number {
  const warmup = config.warmupSteps ?? 0;
  if (step < warmup) {
    const rising = step / Math.max(1, warmup);
    const floor = config.kind === "warmup_stable_decay" ? (config.minRatio ?? 0) : 0;
    return baseLearningRate * (rising * (1 - floor) + floor);
  }
  return baseLearningRate * factorAfterWarmup(config, baseLearningRate, step, warmup);
}

function factorAfterWarmup(config: ScheduleConfig, base: number, step: number, warmup: number): number {
  switch (config.kind) {
    case "constant":
      return 1;
    case "linear":
      return Math.max(0, (config.totalSteps - step) / Math.max(1, config.totalSteps - warmup));
    case "cosine":
      return Math.max(0, wave(progress(config.totalSteps, step, warmup) * (config.cycles ?? 0.5) * 2));
    case "cosine_with_restarts": {
      const done = progress(config.totalSteps, step, warmup);
      return done >= 1 ? 0 : Math.max(0, wave(((config.cycles ?? 1) * done) % 1));
    }
    case "polynomial": {
      const end = config.endLearningRate ?? 1e-7;
      if (step > config.totalSteps) return end / base;
      const left = 1 - (step - warmup) / (config.totalSteps - warmup);
      return ((base - end) * left ** (config.power ?? 1) + end) / base;
    }
    case "inverse_sqrt": {
      const timescale = config.timescale ?? (warmup || 10_000);
      return 1 / Math.sqrt((step + timescale - warmup) / timescale);
    }
    case "cosine_with_min_lr": {
      const floor = config.minLearningRate / base;
      const factor = wave(progress(config.totalSteps, step, warmup) * (config.cycles ?? 0.5) * 2);
      return Math.max(0, factor * (1 - floor) + floor);
    }
    case "warmup_stable_decay": {
      const floor = config.minRatio ?? 0;
      const start = config.totalSteps - config.decaySteps;
      if (step < start) return 1;
      if (step >= config.totalSteps) return floor;
      return Math.max(0, wave((step - start) / Math.max(1, config.decaySteps)) * (1 - floor) + floor);
    }
  }
}

function progress(total: number, step: number, warmup: number): number {
  return (step - warmup) / Math.max(1, total - warmup);
}

/** Half a cosine: 1 at 0, 0 at 1. */
function wave(x: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * x));
}
