/** Lines drawn by uPlot, in step with the page's data, colors and width. */
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { shortNumber } from "../format";
import { useSurroundings } from "../use-data";
import type { Axis } from "../axis";
import { align, type Extent, type Line, type Stretch } from "./lines";
import { followPanning } from "./panning";
import { PLOT_HEIGHT, plotOptions } from "./plot-options";

/** Points from which lines are hairlines: without a graphics card a wider stroke takes a hundred times as long. */
const DENSE = 3_000;
/** Lines that the description for screen readers names. */
const MOST_DESCRIBED = 8;

/**
 * uPlot's code. It asks for the number format of the browser's language as it starts, which takes Chromium 20 to 45 ms.
 */
export type PlotLibrary = typeof uPlot;

/** Starts it when it is asked for: while the first lines are on their way. */
export const plotLibrary = async (): Promise<PlotLibrary> => (await import("uplot")).default;

interface PlotProps {
  readonly library: PlotLibrary;
  readonly title: string;
  readonly lines: readonly Line[];
  /** What the lines were smoothed from, drawn faintly behind them; null when they are as recorded. */
  readonly recorded: readonly Line[] | null;
  /** The lines of the chart that this plot shows some of, for their colors. Default: those of this plot. */
  readonly among?: readonly Line[];
  /** What the plot has room for, where several plots share their scales. Default: its lines. */
  readonly extent?: Extent | null;
  /** What the lines' steps are. */
  readonly axis: Axis;
  /** Pixels. Default: that of a plot alone in its chart. */
  readonly height?: number;
  /** What is zoomed into; null for all steps. */
  readonly range: Stretch | null;
  readonly onRange: (range: Stretch | null) => void;
}

export function Plot({
  library: Library,
  title,
  lines,
  recorded,
  among = lines,
  extent = null,
  axis,
  height = PLOT_HEIGHT,
  range,
  onRange,
}: PlotProps) {
  const { dark, drawing } = useSurroundings();
  /** What is seen; between `range`s while it is being moved. */
  const view = useRef<Stretch | null>(range);
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const labels = lines.map(({ label }) => label).join("\n");
  const family = among.map(({ label }) => label).join("\n");
  const shared = useRef(extent);
  shared.current = extent;
  const hasRecorded = recorded !== null;
  const data = useMemo(() => align([...(recorded ?? []), ...lines]), [lines, recorded]);
  const newest = useRef(data);
  newest.current = data;
  const drawn = useRef(data);
  const dense = data[0].length * (data.length - 1) > DENSE;

  // Before the browser paints: an empty plot would move what is below it.
  useLayoutEffect(() => {
    const element = holder.current!;
    const look = {
      labels: labels.split("\n"),
      family: family.split("\n"),
      shared,
      axis,
      dark,
      dense,
      hasRecorded,
    };
    const made = new Library(
      plotOptions({ width: element.clientWidth || 320, height }, look, view, onRange),
      newest.current,
      element,
    );
    plot.current = made;
    drawn.current = newest.current;
    made.over.addEventListener("mouseleave", () => showLastStep(made));
    made.over.addEventListener("dblclick", () => onRange(null));
    const stopPanning = followPanning(made, view, onRange);
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      stopPanning();
      made.destroy();
      plot.current = null;
    };
  }, [labels, family, axis, dark, dense, hasRecorded]);
  const draw = (): void => {
    const made = plot.current;
    drawn.current = newest.current;
    // In a batch it has been drawn when this returns, not some time later.
    made?.batch(() => {
      made.setData(newest.current);
      showLastStep(made);
    });
  };
  useEffect(() => {
    if (view.current === range) return;
    view.current = range;
    draw();
  }, [range]);
  useEffect(() => {
    if (drawn.current !== data) drawing.add(holder, draw);
  }, [data]);

  return (
    <div
      class="plot"
      ref={holder}
      role="img"
      aria-label={`${title} over ${axis.title}. ${described(lines, axis).join("; ")}`}
    />
  );
}

/** Away from the cursor, the legend shows the values of the last step. */
function showLastStep(plot: uPlot): void {
  plot.setLegend({ idx: plot.data[0].length - 1 });
}

/** The last value of each line, for screen readers. */
function described(lines: readonly Line[], { name, format }: Axis): string[] {
  return lines
    .slice(0, MOST_DESCRIBED)
    .map(
      ({ label, values, steps }) =>
        `${label}: ${shortNumber(values.findLast((value) => value !== null))} at ${name} ${format(steps.at(-1)!)}`,
    );
}
