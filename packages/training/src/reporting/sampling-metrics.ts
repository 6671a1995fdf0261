/** Adds to a step's records what is known of the samples, if they are drawn by their difficulty. */
import type { MetricRecord } from "@v-triune/monitor";
import type { SamplingReport } from "../data/difficulty-sampler";

type Counts = SamplingReport["sources"][string];

/** The records, those of sources and that of all with the numbers of docs/metrics.md, "Sampling by difficulty". */
export function withSamplingMetrics(
  records: readonly MetricRecord[],
  report: SamplingReport | undefined,
): readonly MetricRecord[] {
  if (report === undefined) return records;
  const { sources } = report;
  const all = Object.values(sources).reduce(sum);
  return records.map((record) => {
    const counts = record.scope === "all" ? all : record.scope === "source" ? sources[record.name] : undefined;
    if (counts === undefined) return record;
    return { ...record, metrics: { ...record.metrics, ...metricsOf(counts, all.draws) } };
  });
}

function metricsOf(counts: Counts, draws: number): Record<string, number> {
  return {
    "sampling/unseen": counts.unseen,
    "sampling/below_band": counts.belowBand,
    "sampling/in_band": counts.inBand,
    "sampling/above_band": counts.aboveBand,
    "sampling/left_out": counts.leftOut,
    "sampling/draws": counts.draws,
    ...(draws === 0 ? {} : { "sampling/draw_share": counts.draws / draws }),
    ...(counts.draws === 0 ? {} : { "sampling/signal_ratio": counts.withSignal / counts.draws }),
  };
}

function sum(a: Counts, b: Counts): Counts {
  return {
    unseen: a.unseen + b.unseen,
    belowBand: a.belowBand + b.belowBand,
    inBand: a.inBand + b.inBand,
    aboveBand: a.aboveBand + b.aboveBand,
    leftOut: a.leftOut + b.leftOut,
    draws: a.draws + b.draws,
    withSignal: a.withSignal + b.withSignal,
  };
}
