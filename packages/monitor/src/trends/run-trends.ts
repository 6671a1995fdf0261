/**
 * Numbers of a run's records that need those of earlier steps: learning progress in training, forgetting in evaluation.
 * A resumed run gives its earlier records first; the numbers that follow are the same as without the interruption.
 */
import type { MetricRecord } from "../metric-record";
import { type EvaluationPoint, forgettingOf } from "./forgetting";
import { PROGRESS_WINDOW, type ProgressPoint, learningProgress } from "./learning-progress";

export interface RunTrends {
  /** Takes in records that were written before. */
  observe(records: readonly MetricRecord[]): void;
  /** Takes in the records of a step, and gives them with what they say beside the earlier ones. */
  add(records: readonly MetricRecord[]): MetricRecord[];
}

/**
 * @example
 * const trends = createRunTrends();
 * await sinks.write(trends.add(metrics.finish(step)));
 */
export function createRunTrends(): RunTrends {
  const training = new Map<string, ProgressPoint[]>();
  const evaluations = new Map<string, EvaluationPoint[]>();

  function observe(records: readonly MetricRecord[]): void {
    for (const { step, split, scope, name, metrics } of records) {
      if (scope !== "source") continue;
      if (split === "train") {
        const { "reward/accuracy/mean": accuracy, "response_length/mean": length } = metrics;
        const rollouts = metrics["rollouts/count"] ?? 0;
        if (accuracy === undefined || length === undefined) continue;
        const points = training.get(name) ?? [];
        points.push({ accuracy, rollouts, tokens: rollouts * length });
        training.set(name, points.slice(-PROGRESS_WINDOW));
        continue;
      }
      const accuracy = heldOutAccuracy(metrics);
      if (accuracy === undefined) continue;
      // A step that is evaluated again replaces what was there.
      const points = (evaluations.get(name) ?? []).filter((point) => point.step < step);
      points.push({ step, accuracy, samples: metrics["samples/count"] ?? 0 });
      evaluations.set(name, points);
    }
  }

  function trendsOf({ split, name, metrics }: MetricRecord): Record<string, number> {
    if (split === "train") {
      const progress =
        metrics["reward/accuracy/mean"] === undefined ? undefined : learningProgress(training.get(name) ?? []);
      if (progress === undefined) return {};
      return { "progress/accuracy_per_1k_tokens": progress.slope, "progress/standard_error": progress.error };
    }
    const forgetting = heldOutAccuracy(metrics) === undefined ? undefined : forgettingOf(name, evaluations);
    if (forgetting === undefined) return {};
    return {
      "forgetting/drop": forgetting.drop,
      ...(forgetting.othersGain === undefined ? {} : { "forgetting/others_gain": forgetting.othersGain }),
      "forgetting/certain_drop": forgetting.certainDrop,
    };
  }

  return {
    observe,
    add(records) {
      observe(records);
      return records.map((record) =>
        record.scope === "source" ? { ...record, metrics: { ...record.metrics, ...trendsOf(record) } } : record,
      );
    },
  };
}

/** The mean over a sample's answers, whatever their number. */
function heldOutAccuracy(metrics: MetricRecord["metrics"]): number | undefined {
  const name = Object.keys(metrics).find((key) => /^acc\/mean@\d+$/.test(key));
  return name === undefined ? undefined : metrics[name];
}
