/** What a plot looks like and what the mouse does in it, as uPlot's options. */
import type uPlot from "uplot";
import { shortNumber } from "../format";
import type { Axis } from "../axis";
import { CHOSEN_COLORS, lineColors } from "./line-colors";
import type { Extent, Stretch } from "./lines";

export const PLOT_HEIGHT = 190;
/** Of a plot that is one of several in a chart. */
export const SMALL_PLOT_HEIGHT = 120;
/** Lines that the legend names. */
const MOST_NAMED = 40;
/** Pixels; a shorter drag is a click. */
const SHORTEST_DRAG = 4;

export interface PlotLook {
  /** One per line. */
  readonly labels: readonly string[];
  /** The labels of all lines of the chart, which decide their colors. */
  readonly family: readonly string[];
  /** What there is room for; null: the lines. */
  readonly shared: { readonly current: Extent | null };
  readonly axis: Axis;
  readonly dark: boolean;
  /** Draws lines one pixel wide. */
  readonly dense: boolean;
  /** The data has the recorded lines before the smoothed ones; they are drawn faintly behind them. */
  readonly hasRecorded: boolean;
}

/**
 * @param view the stretch that is shown; null for all steps
 * @param onRange called with the stretch that the mouse selected
 */
export function plotOptions(
  { width, height }: Pick<uPlot.Options, "width" | "height">,
  look: PlotLook,
  view: { readonly current: Stretch | null },
  onRange: (range: Stretch) => void,
): uPlot.Options {
  const isCrowded = look.labels.length > CHOSEN_COLORS;
  return {
    width,
    height,
    scales: {
      x: {
        time: false,
        range: (_plot, first, last) => stepRange(...(view.current ?? look.shared.current?.steps ?? [first, last])),
      },
      y: { range: (_plot, low, high) => valueRange(...(look.shared.current?.values ?? ([low, high] as const))) },
    },
    legend: { show: look.labels.length <= MOST_NAMED, live: true },
    ...(isCrowded && { focus: { alpha: 0.25 } }),
    cursor: { ...(isCrowded && { focus: { prox: 12 } }), ...cursor(view) },
    axes: axes(look),
    series: [
      { label: look.axis.name, value: (_plot, place) => (place === null ? "–" : look.axis.format(place)) },
      ...(look.hasRecorded ? recordedSeries(look) : []),
      ...drawnSeries(look),
    ],
    hooks: {
      ready: [(plot) => plot.setLegend({ idx: plot.data[0].length - 1 })],
      setSelect: [(plot) => selectStretch(plot, onRange)],
    },
  };
}

/** A drag selects a stretch; with shift it moves the stretch that is shown (panning.ts) and selects nothing. */
function cursor(view: { readonly current: Stretch | null }): uPlot.Cursor {
  return {
    drag: { x: true, y: false, setScale: false },
    points: { size: 6 },
    bind: {
      mousedown: (_plot, _target, handler) => (event) =>
        event.shiftKey && view.current !== null ? null : handler(event),
    },
  };
}

function axes({ dark, axis: { format } }: PlotLook): uPlot.Axis[] {
  const rule = { stroke: dark ? "#2c323b" : "#e3e6ea", width: 1 };
  const axis = { stroke: dark ? "#b4bbc7" : "#4d525c", grid: rule, ticks: rule, font: "12px system-ui, sans-serif" };
  return [
    {
      ...axis,
      size: 30,
      values: (_plot, ticks) => ticks.map(format),
    },
    { ...axis, size: 52, values: (_plot, ticks) => ticks.map(shortNumber) },
  ];
}

/** The lines that were smoothed, as they were recorded. The legend leaves them out (style.css). */
function recordedSeries({ labels, family, dark }: PlotLook): uPlot.Series[] {
  const colors = colorsOf(labels, family, dark);
  return labels.map((label, index) => ({
    label,
    class: "recorded",
    stroke: colors[index]!,
    alpha: 0.3,
    width: 1,
    points: { show: false },
    value: (_plot, value) => shortNumber(value),
  }));
}

/** A line keeps its color where a plot shows it alone. */
function colorsOf(labels: readonly string[], family: readonly string[], dark: boolean): readonly string[] {
  const colors = lineColors(family, dark);
  return labels.map((label) => colors[family.indexOf(label)]!);
}

function drawnSeries({ labels, family, dark, dense, hasRecorded }: PlotLook): uPlot.Series[] {
  const colors = colorsOf(labels, family, dark);
  return labels.map((label, index) => ({
    label,
    stroke: colors[index]!,
    width: dense ? 1 : 1.6,
    // A line needs two.
    points: { show: (plot) => plot.data[0].length < 2, size: 6 },
    value: (plot, value, series, index) => {
      if (!hasRecorded || index === null) return shortNumber(value);
      return `${shortNumber(value)} (${shortNumber(plot.data[series - labels.length]?.[index])})`;
    },
  }));
}

/** Reports the selected steps, and removes the selection's rectangle. */
function selectStretch(plot: uPlot, onRange: (range: Stretch) => void): void {
  const { left, width } = plot.select;
  if (width < SHORTEST_DRAG) return;
  onRange([Math.floor(plot.posToVal(left, "x")), Math.ceil(plot.posToVal(left + width, "x"))]);
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
}

/** A single step stands in the middle: uPlot looks for the ticks of a range without length forever. */
function stepRange(first: number, last: number): uPlot.Range.MinMax {
  return first === last ? [first - 1, last + 1] : [first, last];
}

/** A little more than the values take; a constant is drawn in the middle of the numbers around it. */
function valueRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  // Equal but for rounding: no axis has room for numbers between the two.
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high)))
    return low === 0 ? [-0.5, 0.5] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
  const margin = (high - low) * 0.06;
  return [low - margin, high + margin];
}
