/** A chart that loads its lines when it comes into view, and the stretch of steps that is zoomed into in full. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useData, useSurroundings } from "../use-data";
import { AXES } from "../axis";
import { over, type Clock } from "./clock";
import { ExportMenu } from "./export-menu";
import { ends, extentOf, movedStretch, withDetail, within, type Line, type Stretch } from "./lines";
import { Plot, plotLibrary, type PlotLibrary } from "./plot";
import { SMALL_PLOT_HEIGHT } from "./plot-options";
import { MOST_TOGETHER, PlotRoom } from "./plot-room";
import { smoothed } from "./smoothing";
import { isPinned, type ChartSubject } from "../pins";

export interface ChartProps {
  readonly title: string;
  /** Names what is loaded; with another, the chart starts again. */
  readonly subject: string;
  /** Changes when the data may have. */
  readonly version: number;
  /** The labels of the lines, as far as they are known before they are loaded. */
  readonly expected: readonly string[];
  /** Loads the lines, all steps or those of a stretch that was zoomed into. */
  readonly load: (from?: number, to?: number) => Promise<readonly Line[]>;
  readonly href?: string;
  /** The run that a line is of. Default: the page's run. */
  readonly runOf?: (label: string) => string;
  /** What a pin of this chart remembers; absent for a chart that cannot be pinned. */
  readonly pin?: ChartSubject;
}

/** Points of a running sum that places are read from. */
const CLOCK_POINTS = 2_000;

/** Pixels around what is seen in which charts load, too. */
const NEAR = 300;

function isNear(element: HTMLElement): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom >= -NEAR && top <= innerHeight + NEAR;
}

/**
 * Drag to zoom, shift and drag to move what is shown, double click to see all steps again. Out of view, a chart keeps
 * what it shows and loads nothing.
 */
export function Chart(props: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [isInView, setInView] = useState(false);
  /** 0 before the chart came into view for the first time. */
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const show = (visible: boolean): void => {
      setInView(visible);
      if (visible) setWidth(frame.current!.clientWidth);
    };
    // The observer speaks after the first paint; a chart that is in view asks for its lines before.
    show(isNear(frame.current!));
    const observer = new IntersectionObserver((entries) => show(entries.at(-1)!.isIntersecting), {
      rootMargin: `${NEAR}px`,
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const version = useRef(props.version);
  if (isInView) version.current = props.version;
  return (
    <section class="chart" ref={frame}>
      {width > 0 ? (
        <LoadedChart {...props} version={version.current} width={width} />
      ) : (
        <>
          <div class="chart-head">
            <h3>{props.title}</h3>
          </div>
          <PlotRoom labels={props.expected} width={0} />
        </>
      )}
    </section>
  );
}

interface LoadedLines {
  readonly library: PlotLibrary;
  readonly whole: readonly Line[];
  readonly detail: readonly Line[];
  readonly range: Stretch | null;
}

function LoadedChart({
  title,
  subject,
  version,
  expected,
  load,
  href,
  runOf,
  pin,
  width,
}: ChartProps & { readonly width: number }) {
  const { axis, backend, drawing, pins, route, smoothing, togglePin } = useSurroundings();
  const hasDrawn = useRef(false);
  const pinned = pin !== undefined && isPinned(pins, pin);
  const [range, setRange] = useState<Stretch | null>(null);
  useEffect(() => setRange(null), [axis]);
  // Only steps can be loaded in full.
  const steps = axis.metric === null ? range : null;
  const { data: loaded, error } = useData<LoadedLines>(subject, `${version} ${steps?.join()}`, async () => {
    const [whole, detail, library] = await Promise.all([load(), steps === null ? [] : load(...steps), plotLibrary()]);
    if (!hasDrawn.current) await drawing.turn();
    hasDrawn.current = true;
    return { library, whole, detail, range: steps };
  });
  const data = useMemo(
    () => loaded && (loaded.range === null ? loaded.whole : withDetail(loaded.whole, loaded.detail, loaded.range)),
    [loaded],
  );
  const runs = [
    ...new Set((data ?? []).map(({ label }) => (runOf === undefined ? route.query.get("run")! : runOf(label)))),
  ];
  const clocks = useData(`${runs.join("\n")} ${axis.name}`, axis.metric === null ? "" : String(version), async () => {
    const { metric } = axis;
    if (metric === null) return new Map<string, Clock>();
    const asked = { split: "train", scope: "all", names: ["all"], metrics: [metric], points: CLOCK_POINTS } as const;
    const found = await Promise.all(runs.map(async (run) => [run, (await backend.series(run, asked))[0]] as const));
    return new Map<string, Clock>(found.flatMap(([run, clock]) => (clock === undefined ? [] : [[run, clock]])));
  });
  const [chosenApart, setApart] = useState<boolean>();
  const clockOf = (label: string): Clock | undefined =>
    clocks.data?.get(runOf === undefined ? route.query.get("run")! : runOf(label));
  const isPlaced =
    axis.metric !== null && data !== undefined && data.every(({ label }) => clockOf(label) !== undefined);
  const place = (line: Line): Line => (isPlaced ? over(line, clockOf(line.label)!) : line);
  const faint = useMemo(() => data?.map(place), [data, clocks.data, isPlaced]);
  const drawn = useMemo(
    () => data?.map((line) => place(smoothed(line, smoothing))),
    [data, smoothing, clocks.data, isPlaced],
  );
  const isWaiting = axis.metric !== null && clocks.data === undefined && clocks.error === undefined;
  const recorded = loaded?.range == null ? data : loaded.detail;
  const pictured = range === null ? drawn : drawn?.map((line) => within(line, range));
  const apart = (chosenApart ?? true) && (drawn?.length ?? 0) > MOST_TOGETHER;
  const extent = useMemo(
    () => (apart ? extentOf(smoothing === 0 ? drawn! : [...drawn!, ...faint!]) : null),
    [apart, drawn, faint, smoothing],
  );
  const plots = useMemo(() => {
    const together = { lines: drawn ?? [], recorded: smoothing === 0 ? null : (faint ?? []) };
    if (!apart) return [together];
    return together.lines.map((line, index) => ({
      lines: [line],
      recorded: together.recorded && [together.recorded[index]!],
    }));
  }, [apart, drawn, faint, smoothing]);
  const move = (share: number): void => {
    if (range === null || faint === undefined) return;
    setRange(movedStretch(range, share * (range[1] - range[0]), ends(faint)));
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
        {(drawn?.length ?? 0) > MOST_TOGETHER && (
          <button
            class="small"
            aria-label={`${title}: ${apart ? "all in one" : "one for each"}`}
            onClick={() => setApart(!apart)}
          >
            {apart ? "All in one" : "One for each"}
          </button>
        )}
        {pin !== undefined && (
          <button
            class={`small ${pinned ? "" : "hover"}`}
            aria-label={`${pinned ? "Unpin" : "Pin"} ${title}`}
            onClick={() => togglePin(pin)}
          >
            {pinned ? "Unpin" : "Pin"}
          </button>
        )}
        {recorded !== undefined && recorded.length > 0 && (
          <ExportMenu title={title} recorded={recorded} drawn={pictured!} />
        )}
      </div>
      {error !== undefined && <p class="problem">{error}</p>}
      {axis.metric !== null && !isPlaced && !isWaiting && (data?.length ?? 0) > 0 && (
        <p class="muted">Over steps: the {axis.title} of a step is not recorded.</p>
      )}
      {data === undefined || isWaiting ? (
        <PlotRoom labels={expected} width={width} />
      ) : data.length === 0 ? (
        <p class="muted">No data.</p>
      ) : apart ? (
        <div class="multiples">
          {plots.map(({ lines, recorded }) => (
            <Plot
              library={loaded!.library}
              key={lines[0]!.label}
              title={`${title}, ${lines[0]!.label}`}
              lines={lines}
              recorded={recorded}
              axis={isPlaced ? axis : AXES[0]}
              among={drawn!}
              extent={extent}
              height={SMALL_PLOT_HEIGHT}
              range={range}
              onRange={setRange}
            />
          ))}
        </div>
      ) : (
        <Plot
          library={loaded!.library}
          title={title}
          {...plots[0]!}
          axis={isPlaced ? axis : AXES[0]}
          range={range}
          onRange={setRange}
        />
      )}
    </>
  );
}
