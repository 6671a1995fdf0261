/** A chart of some streams' series, which can be pinned. */
import { Chart } from "./chart/chart";
import type { Line } from "./chart/lines";
import type { ChartSubject } from "./pins";
import { useSurroundings } from "./use-data";

/** A metric's name without what all lines of a chart share. */
const lineName = (metric: string): string =>
  metric
    .replace(/^verifier\//, "")
    .replace(/_label_match_(pure|recall)\/mean$/, "")
    .replace(/^pure_(map\d*)_score\/mean$/, "$1");

interface SeriesChartProps {
  readonly run: string;
  readonly version: number;
  readonly subject: ChartSubject;
  /** Said before the title. */
  readonly before?: string;
}

export function SeriesChart({ run, version, subject, before = "" }: SeriesChartProps) {
  const { backend } = useSurroundings();
  const { title, split, scope, names, metrics } = subject;
  const load = async (from?: number, to?: number): Promise<Line[]> =>
    (await backend.series(run, { split, scope, names, metrics, from, to })).map((series) => ({
      ...series,
      label: metrics.length > 1 || names.length === 1 ? lineName(series.metric) : series.name,
    }));
  return (
    <Chart
      title={`${before}${title}`}
      subject={`${run} ${split} ${scope} ${title} ${names.length} ${metrics.length}`}
      version={version}
      expected={metrics.length > 1 || names.length === 1 ? metrics.map(lineName) : names}
      load={load}
      pin={subject}
    />
  );
}
