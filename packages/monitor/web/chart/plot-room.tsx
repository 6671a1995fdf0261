/** The room that a chart's plots will take, kept while their data is on its way so that nothing below them moves. */
import { PLOT_HEIGHT, SMALL_PLOT_HEIGHT } from "./plot-options";

/** Lines that can be told apart in one plot; more have a plot each, on one scale. */
export const MOST_TOGETHER = 4;

/** Pixels of a line of the legend, and roughly of what it says beside a label: the marker and two numbers. */
const LEGEND_LINE = 21;
const LEGEND_ENTRY = 110;
const LEGEND_CHARACTER = 7;
/** Left and right of a plot within its chart. */
const CHART_PADDING = 26;

/** Lines that a legend breaks into. */
export function legendLines(labels: readonly string[], width: number): number {
  let lines = 1;
  let used = 70;
  for (const label of labels) {
    const entry = LEGEND_ENTRY + LEGEND_CHARACTER * label.length;
    if (used > 0 && used + entry > width) {
      lines += 1;
      used = 0;
    }
    used += entry;
  }
  return lines;
}

/** @param labels of the lines to come */
export function PlotRoom({ labels, width }: { labels: readonly string[]; width: number }) {
  if (labels.length <= MOST_TOGETHER) {
    const height = PLOT_HEIGHT + LEGEND_LINE * legendLines(labels, width - CHART_PADDING);
    return <div style={{ height: `${height}px` }} />;
  }
  return (
    <div class="multiples">
      {labels.map((label) => (
        <div key={label} style={{ height: `${SMALL_PLOT_HEIGHT + LEGEND_LINE}px` }} />
      ))}
    </div>
  );
}
