/** A chart that loads its lines when it comes into view, and the stretch of steps that is zoomed into in full. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useData, useSurroundings } from "../use-data";
import { ExportMenu } from "./export-menu";
import { ends, extentOf, movedStretch, withDetail, within, type Line, type Stretch } from "./lines";
import { Plot } from "./plot";
import { PLOT_HEIGHT, SMALL_PLOT_HEIGHT } from "./plot-options";
import { smoothed } from "./smoothing";

export interface ChartProps {
  readonly title: string;
  /** Names what is loaded; with another, the chart starts again. */
  readonly subject: string;
  /** Changes when the data may have. */
  readonly version: number;
  /** Loads the lines, all steps or those of a stretch that was zoomed into. */
  readonly load: (from?: number, to?: number) => Promise<readonly Line[]>;
  readonly href?: string;
}

/** Lines that can be told apart in one plot; more have a plot each, on one scale. */
const MOST_TOGETHER = 4;

/** Drag to zoom, shift and drag to move what is shown, double click to see all steps again. */
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
          <div style={{ height: `${PLOT_HEIGHT}px` }} />
        </>
      )}
    </section>
  );
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
  const [chosenApart, setApart] = useState<boolean>();
  const drawn = useMemo(() => data?.map((line) => smoothed(line, smoothing)), [data, smoothing]);
  const recorded = loaded?.range == null ? data : loaded.detail;
  const pictured = loaded?.range == null ? drawn : drawn?.map((line) => within(line, loaded.range!));
  const apart = (chosenApart ?? true) && (drawn?.length ?? 0) > MOST_TOGETHER;
  const extent = useMemo(
    () => (apart ? extentOf(smoothing === 0 ? drawn! : [...drawn!, ...data!]) : null),
    [apart, drawn, data, smoothing],
  );
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
        {(drawn?.length ?? 0) > MOST_TOGETHER && (
          <button
            class="small"
            aria-label={`${title}: ${apart ? "all in one" : "one for each"}`}
            onClick={() => setApart(!apart)}
          >
            {apart ? "All in one" : "One for each"}
          </button>
        )}
        {recorded !== undefined && recorded.length > 0 && (
          <ExportMenu title={title} recorded={recorded} drawn={pictured!} />
        )}
      </div>
      {error !== undefined && <p class="problem">{error}</p>}
      {data === undefined ? (
        <div style={{ height: `${PLOT_HEIGHT}px` }} />
      ) : data.length === 0 ? (
        <p class="muted">No data.</p>
      ) : apart ? (
        <div class="multiples">
          {drawn!.map((line, index) => (
            <Plot
              key={line.label}
              title={`${title}, ${line.label}`}
              lines={[line]}
              recorded={smoothing === 0 ? null : [data[index]!]}
              among={drawn!}
              extent={extent}
              height={SMALL_PLOT_HEIGHT}
              range={range}
              onRange={setRange}
            />
          ))}
        </div>
      ) : (
        <Plot title={title} lines={drawn!} recorded={smoothing === 0 ? null : data} range={range} onRange={setRange} />
      )}
    </>
  );
}
