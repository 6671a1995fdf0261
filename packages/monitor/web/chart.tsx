import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { download, seriesCsv, seriesSvg } from "./chart-export";
import { shortNumber } from "./format";
import { smoothed } from "./smoothing";
import { useData, useSurroundings } from "./use-data";

const LIGHT = ["#0b5cad", "#b3261e", "#146c2e", "#8a4b00", "#6a2fb5", "#00707a", "#a1246b", "#4d525c"];
const DARK = ["#7ab8ff", "#ff8a80", "#6fdc8c", "#ffb454", "#c7a0ff", "#5fd6e0", "#ff8fce", "#b9bec8"];

/** The colour of the n-th line; more lines than there are chosen colours have the colours of the circle. */
function lineColour(index: number, count: number, dark: boolean): string {
  if (count <= LIGHT.length) return (dark ? DARK : LIGHT)[index]!;
  return `hsl(${Math.round((360 * index) / count)} ${dark ? "80% 70%" : "75% 34%"})`;
}

export interface Line {
  readonly label: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/** Lines over the union of their steps; where a line has no point of its own it is joined over the gap. */
function align(lines: readonly Line[]): uPlot.AlignedData {
  const steps = [...new Set(lines.flatMap(({ steps: own }) => own))].sort((a, b) => a - b);
  const columns = lines.map((line) => {
    const byStep = new Map(line.steps.map((step, index) => [step, line.values[index] ?? null]));
    return steps.map((step) => (byStep.has(step) ? (byStep.get(step) as number | null) : undefined));
  });
  return [steps, ...columns] as unknown as uPlot.AlignedData;
}

type Stretch = readonly [from: number, to: number];

/** First and last step. */
function ends(lines: readonly Line[]): Stretch {
  return [
    Math.min(...lines.map(({ steps }) => steps[0] ?? Infinity)),
    Math.max(...lines.map(({ steps }) => steps.at(-1) ?? -Infinity)),
  ];
}

/** As long as before, and inside of what there is. */
function movedStretch([from, to]: Stretch, by: number, [first, last]: Stretch): Stretch {
  const start = Math.max(first, Math.min(last - (to - from), from + by));
  return [start, start + (to - from)];
}

/** How long nothing may move before a stretch is loaded in full, in ms. */
const SETTLED = 200;

/** Shift and drag, shift and wheel, or a sideways wheel move a stretch that was zoomed into. Returns how to stop. */
function followPanning(chart: uPlot, view: { current: Stretch | null }, onRange: (range: Stretch) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let grabbed: number | undefined;
  const move = (pixels: number): void => {
    if (view.current === null) return;
    const steps = (pixels / chart.over.clientWidth) * (view.current[1] - view.current[0]);
    const all = chart.data[0];
    view.current = movedStretch(view.current, steps, [all[0]!, all.at(-1)!]);
    chart.setScale("x", { min: view.current[0], max: view.current[1] });
    clearTimeout(timer);
    timer = setTimeout(
      () => view.current !== null && onRange([Math.round(view.current[0]), Math.round(view.current[1])]),
      SETTLED,
    );
  };
  const down = (event: MouseEvent): void => {
    if (!event.shiftKey || view.current === null) return;
    grabbed = event.clientX;
    event.preventDefault();
  };
  const drag = (event: MouseEvent): void => {
    if (grabbed === undefined) return;
    move(grabbed - event.clientX);
    grabbed = event.clientX;
  };
  const up = (): void => void (grabbed = undefined);
  const wheel = (event: WheelEvent): void => {
    const sideways = event.deltaX !== 0 ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (sideways === 0 || view.current === null) return;
    event.preventDefault();
    move(sideways);
  };
  chart.over.addEventListener("mousedown", down);
  chart.over.addEventListener("wheel", wheel, { passive: false });
  addEventListener("mousemove", drag);
  addEventListener("mouseup", up);
  return () => {
    clearTimeout(timer);
    removeEventListener("mousemove", drag);
    removeEventListener("mouseup", up);
  };
}

export interface ChartProps {
  readonly title: string;
  /** Names what is loaded; the chart starts anew with another. */
  readonly subject: string;
  /** Changes when the data may have. */
  readonly version: number;
  /** Loads the lines, all steps or those of a stretch that was zoomed into. */
  readonly load: (from?: number, to?: number) => Promise<readonly Line[]>;
  readonly href?: string;
}

const HEIGHT = 190;
/** Lines that the legend names. */
const MOST_NAMED = 40;
/** Points from which lines are hairlines: without a graphics card a wider stroke takes a hundred times as long. */
const DENSE = 3_000;

/** A little more than the values take; a constant is drawn in the middle of the numbers around it. */
function valueRange(low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  // Equal but for rounding: no axis has room for numbers between the two.
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high)))
    return low === 0 ? [-0.5, 0.5] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
  const margin = (high - low) * 0.06;
  return [low - margin, high + margin];
}

/** A chart that loads when it comes into view; drag to zoom, which loads that stretch in full, shift and drag to move it, double click to go back. */
export function Chart({ title, subject, version, load, href }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && setVisible(true),
      { rootMargin: "300px" },
    );
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <section class="chart" ref={frame}>
      {visible ? (
        <LoadedChart title={title} subject={subject} version={version} load={load} href={href} />
      ) : (
        <>
          <h3>{title}</h3>
          <div style={{ height: `${HEIGHT}px` }} />
        </>
      )}
    </section>
  );
}

/** The whole with a stretch of it in full. */
function withDetail(whole: readonly Line[], detail: readonly Line[], [from, to]: Stretch): Line[] {
  return whole.map((line) => {
    const fine = detail.find(({ label }) => label === line.label);
    if (fine === undefined) return line;
    const before = line.steps.filter((step) => step < from).length;
    const after = line.steps.findIndex((step) => step > to);
    const end = after < 0 ? line.steps.length : after;
    return {
      label: line.label,
      steps: [...line.steps.slice(0, before), ...fine.steps, ...line.steps.slice(end)],
      values: [...line.values.slice(0, before), ...fine.values, ...line.values.slice(end)],
    };
  });
}

/** The points of a stretch. */
function within(line: Line, [from, to]: Stretch): Line {
  const inside = line.steps.map((step) => step >= from && step <= to);
  return {
    label: line.label,
    steps: line.steps.filter((_, index) => inside[index]),
    values: line.values.filter((_, index) => inside[index]),
  };
}

interface LoadedLines {
  readonly whole: readonly Line[];
  readonly detail: readonly Line[];
  readonly range: Stretch | null;
}

function LoadedChart({ title, subject, version, load, href }: ChartProps) {
  const [range, setRange] = useState<Stretch | null>(null);
  const { data: loaded, error } = useData<LoadedLines>(subject, `${version} ${range?.join()}`, async () => {
    const [whole, detail] = await Promise.all([load(), range === null ? [] : load(...range)]);
    return { whole, detail, range };
  });
  const data = useMemo(
    () => loaded && (loaded.range === null ? loaded.whole : withDetail(loaded.whole, loaded.detail, loaded.range)),
    [loaded],
  );
  const { smoothing } = useSurroundings();
  const drawn = useMemo(() => data?.map((line) => smoothed(line, smoothing)), [data, smoothing]);
  const recorded = loaded?.range == null ? data : loaded.detail;
  const pictured = loaded?.range == null ? drawn : drawn?.map((line) => within(line, loaded.range!));
  const move = (share: number): void => {
    if (range === null || loaded === undefined) return;
    setRange(movedStretch(range, share * (range[1] - range[0]), ends(loaded.whole)));
  };
  return (
    <>
      <div class="chart-head">
        <h3>{href === undefined ? title : <a href={href}>{title}</a>}</h3>
        {range !== null && (
          <>
            <button class="small" aria-label={`${title}: earlier steps`} onClick={() => move(-0.5)}>
              ◀
            </button>
            <button class="small" aria-label={`${title}: later steps`} onClick={() => move(0.5)}>
              ▶
            </button>
            <button class="small" onClick={() => setRange(null)}>
              All steps
            </button>
          </>
        )}
        {recorded !== undefined && recorded.length > 0 && (
          <ExportMenu title={title} recorded={recorded} drawn={pictured!} />
        )}
      </div>
      {error !== undefined && <p class="problem">{error}</p>}
      {data === undefined ? (
        <div style={{ height: `${HEIGHT}px` }} />
      ) : data.length === 0 ? (
        <p class="muted">No data.</p>
      ) : (
        <Plot title={title} lines={drawn!} recorded={smoothing === 0 ? null : data} range={range} onRange={setRange} />
      )}
    </>
  );
}

interface PlotProps {
  readonly title: string;
  readonly lines: readonly Line[];
  /** What the lines were smoothed from, drawn faintly behind them; null when they are as recorded. */
  readonly recorded: readonly Line[] | null;
  /** What is zoomed into; null for all steps. */
  readonly range: Stretch | null;
  readonly onRange: (range: Stretch | null) => void;
}

function Plot({ title, lines, recorded, range, onRange }: PlotProps) {
  const { dark } = useSurroundings();
  /** What is seen; between `range`s while it is being moved. */
  const view = useRef<Stretch | null>(range);
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const labels = lines.map(({ label }) => label).join("\n");
  const behind = recorded !== null;
  const data = useMemo(() => align([...(recorded ?? []), ...lines]), [lines, recorded]);
  const newest = useRef(data);
  newest.current = data;
  const dense = data[0].length * (data.length - 1) > DENSE;

  useEffect(() => {
    const element = holder.current!;
    const ink = dark ? "#b4bbc7" : "#4d525c";
    const rule = dark ? "#2c323b" : "#e3e6ea";
    const axis = {
      stroke: ink,
      grid: { stroke: rule, width: 1 },
      ticks: { stroke: rule, width: 1 },
      font: "12px system-ui, sans-serif",
    };
    const lonely = data[0].length < 2;
    const chart = new uPlot(
      {
        width: element.clientWidth || 320,
        height: HEIGHT,
        scales: {
          x: {
            time: false,
            range: (_plot, first, last) => (view.current === null ? [first, last] : [view.current[0], view.current[1]]),
          },
          y: { range: (_plot, low, high) => valueRange(low, high) },
        },
        legend: { show: lines.length <= MOST_NAMED, live: true },
        // Among many lines the one at hand stands out.
        ...(lines.length > LIGHT.length ? { focus: { alpha: 0.25 } } : {}),
        cursor: {
          ...(lines.length > LIGHT.length ? { focus: { prox: 12 } } : {}),
          drag: { x: true, y: false, setScale: false },
          points: { size: 6 },
          bind: {
            mousedown: (_plot, _target, handler) => (event) =>
              event.shiftKey && view.current !== null ? null : handler(event),
          },
        },
        axes: [
          {
            ...axis,
            size: 30,
            values: (_plot, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? shortNumber(tick) : "")),
          },
          { ...axis, size: 52, values: (_plot, ticks) => ticks.map(shortNumber) },
        ],
        series: [
          { label: "step" },
          // The legend leaves these out (style.css).
          ...(behind
            ? labels.split("\n").map((label, index): uPlot.Series => ({
                label,
                class: "recorded",
                stroke: lineColour(index, lines.length, dark),
                alpha: 0.3,
                width: 1,
                points: { show: false },
              }))
            : []),
          ...labels.split("\n").map((label, index): uPlot.Series => ({
            label,
            stroke: lineColour(index, lines.length, dark),
            width: dense ? 1 : 1.6,
            points: { show: lonely, size: 6 },
            value: (_plot, value) => shortNumber(value),
          })),
        ],
        hooks: {
          ready: [(self) => self.setLegend({ idx: self.data[0].length - 1 })],
          setSelect: [
            (self) => {
              if (self.select.width < 4) return;
              onRange([
                Math.floor(self.posToVal(self.select.left, "x")),
                Math.ceil(self.posToVal(self.select.left + self.select.width, "x")),
              ]);
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      newest.current,
      element,
    );
    plot.current = chart;
    // Away from the chart the legend tells the last step.
    const rest = (): void => chart.setLegend({ idx: chart.data[0].length - 1 });
    chart.over.addEventListener("mouseleave", rest);
    chart.over.addEventListener("dblclick", () => onRange(null));
    const stopPanning = followPanning(chart, view, onRange);
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      stopPanning();
      chart.destroy();
      plot.current = null;
    };
  }, [labels, dark, dense, behind]);
  useEffect(() => {
    view.current = range;
    plot.current?.setData(data);
    plot.current?.setLegend({ idx: data[0].length - 1 });
  }, [data, range]);

  const described = lines
    .map(
      ({ label, values, steps }) =>
        `${label}: ${shortNumber(values.findLast((value) => value !== null))} at step ${steps.at(-1)}`,
    )
    .slice(0, 8);
  return <div class="plot" ref={holder} role="img" aria-label={`${title} over steps. ${described.join("; ")}`} />;
}

/** CSV has the numbers as recorded, the pictures what is seen. */
function ExportMenu({ title, recorded, drawn }: { title: string; recorded: readonly Line[]; drawn: readonly Line[] }) {
  const { dark } = useSurroundings();
  const name = title.replace(/[^a-z0-9]+/gi, "-").toLowerCase() || "chart";
  const image = useRef<HTMLElement>(null);
  const png = (): void => {
    const canvas = image.current?.closest(".chart")?.querySelector("canvas");
    if (!canvas) return;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height;
    const context = copy.getContext("2d")!;
    context.fillStyle = dark ? "#14171c" : "#ffffff";
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(canvas, 0, 0);
    copy.toBlob((blob) => blob && download(`${name}.png`, blob));
  };
  return (
    <span class="export" ref={image}>
      {(
        [
          ["CSV", () => download(`${name}.csv`, new Blob([seriesCsv(recorded)], { type: "text/csv" }))],
          [
            "SVG",
            () =>
              download(
                `${name}.svg`,
                new Blob([seriesSvg(title, drawn, (index) => lineColour(index, drawn.length, false))], {
                  type: "image/svg+xml",
                }),
              ),
          ],
          ["PNG", png],
        ] as const
      ).map(([label, action]) => (
        <button key={label} class="small" aria-label={`${title} as ${label}`} onClick={action}>
          {label}
        </button>
      ))}
    </span>
  );
}
