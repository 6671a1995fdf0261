import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import type { RunSummary } from "../src/dashboard/dashboard-api";
import type { Backend } from "./backend";
import { ChangesPage } from "./changes-page";
import { ComparePage } from "./compare-page";
import { EvaluationPage } from "./evaluation-page";
import { KeyboardHelp } from "./keyboard-help";
import { OverviewPage } from "./overview-page";
import { RolloutsPage } from "./rollouts-page";
import { readPins, togglePin, writtenPins, type ChartSubject } from "./pins";
import { linkTo, linkWith, parseRoute, type PageName, type Route } from "./route";
import { RunsPage } from "./runs-page";
import { SourcePage } from "./source-page";
import { AXES, type Axis } from "./axis";
import { DrawingTurns } from "./drawing-turns";
import { SMOOTHINGS, USUAL_SMOOTHING } from "./chart/smoothing";
import { SourcesPage } from "./sources-page";
import "./style.css";
import { SurroundingsContext, useData } from "./use-data";

const TABS: readonly (readonly [PageName, string])[] = [
  ["overview", "Overview"],
  ["changes", "Changes"],
  ["sources", "Sources"],
  ["evaluation", "Evaluation"],
  ["rollouts", "Rollouts"],
];

/**
 * The reader's choices, kept in this browser; where storage is forbidden (a report opened from a file) they last as
 * long as the page.
 */
function stored(name: "theme" | "smoothing" | "axis" | "pins"): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
function store(name: "theme" | "smoothing" | "axis" | "pins", value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // It lasts as long as the page.
  }
}

function useTheme(): readonly [boolean, () => void] {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(() => (stored("theme") ?? (system.matches ? "dark" : "light")) === "dark");
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [dark]);
  const toggle = (): void => {
    store("theme", dark ? "light" : "dark");
    setDark(!dark);
  };
  return [dark, toggle];
}

/** Pages without a chart. */
const CHARTLESS: readonly PageName[] = ["runs", "rollouts", "changes"];

function useSmoothing(): readonly [number, (weight: number) => void] {
  const [smoothing, setSmoothing] = useState(
    () => SMOOTHINGS.find((weight) => String(weight) === stored("smoothing")) ?? USUAL_SMOOTHING,
  );
  const choose = (weight: number): void => {
    store("smoothing", String(weight));
    setSmoothing(SMOOTHINGS.find((known) => known === weight) ?? 0);
  };
  return [smoothing, choose];
}

function useAxis(): readonly [Axis, (name: string) => void] {
  const named = (name: string | null): Axis => AXES.find((axis) => axis.name === name) ?? AXES[0];
  const [axis, setAxis] = useState(() => named(stored("axis")));
  const choose = (name: string): void => {
    store("axis", name);
    setAxis(named(name));
  };
  return [axis, choose];
}

/** Those of the address, if it has some; a change goes into both. */
function usePins(route: Route): readonly [readonly ChartSubject[], (chart: ChartSubject) => void] {
  const [own, setOwn] = useState(() => readPins(stored("pins")));
  const given = route.query.get("pins");
  const pins = useMemo(() => (given === null ? own : readPins(given)), [given, own]);
  const toggle = (chart: ChartSubject): void => {
    const next = togglePin(pins, chart);
    store("pins", writtenPins(next));
    setOwn(next);
    if (route.page === "overview") location.replace(linkWith(route, { pins: writtenPins(next) }));
  };
  return [pins, toggle];
}

interface DashboardProps {
  readonly backend: Backend;
  /** What the header begins with. Default a link to the list of runs. */
  readonly home?: { readonly href: string; readonly label: string };
}

const RUNS_LINK = { href: linkTo("runs"), label: "V-Triune monitor" };

/** The whole page; its address is `location.hash`. */
export function Dashboard({ backend, home = RUNS_LINK }: DashboardProps) {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  const [versions, setVersions] = useState<Readonly<Record<string, number>>>({});
  const [live, setLive] = useState(true);
  const [dark, toggleTheme] = useTheme();
  const [smoothing, setSmoothing] = useSmoothing();
  const [axis, setAxis] = useAxis();
  const [pins, changePins] = usePins(route);
  const [drawing] = useState(() => new DrawingTurns());
  const total = Object.values(versions).reduce((sum, version) => sum + version, 0);
  const runs = useData("runs", String(total), () => backend.runs());

  useEffect(() => {
    const follow = (): void => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", follow);
    const stop = backend.listen(
      (changed) =>
        setVersions((before) => ({
          ...before,
          ...Object.fromEntries(changed.map((run) => [run, (before[run] ?? 0) + 1])),
        })),
      setLive,
    );
    return () => {
      removeEventListener("hashchange", follow);
      stop();
    };
  }, []);

  const run = route.query.get("run");
  const place = `${route.page} ${run} ${route.page === "source" ? route.query.get("name") : ""}`;
  useEffect(() => {
    document.title = [route.page === "source" ? route.query.get("name") : route.page, run, "V-Triune monitor"]
      .filter(Boolean)
      .join(" · ");
    scrollTo(0, 0);
  }, [place]);
  // A single run needs no list.
  useEffect(() => {
    const only = runs.data?.length === 1 ? runs.data[0] : undefined;
    if (only !== undefined && location.hash.length < 3) location.replace(linkTo("overview", { run: only.id }));
  }, [runs.data]);

  const surroundings = useMemo(
    () => ({
      backend,
      route,
      dark,
      smoothing,
      axis,
      drawing,
      pins,
      togglePin: changePins,
      version: (id: string) => versions[id] ?? 0,
    }),
    [backend, route, versions, dark, smoothing, axis, pins],
  );
  return (
    <SurroundingsContext.Provider value={surroundings}>
      <a
        class="skip"
        href="#content"
        onClick={(event) => (event.preventDefault(), document.getElementById("content")?.focus())}
      >
        Skip to the content
      </a>
      <header>
        <a class="home" href={home.href}>
          {home.label}
        </a>
        {run !== null && <RunPicker run={run} page={route.page} runs={runs.data ?? []} />}
        <nav aria-label="Pages">
          {run !== null &&
            TABS.map(([page, label]) => (
              <a
                key={page}
                href={linkTo(page, { run })}
                aria-current={
                  route.page === page || (page === "sources" && route.page === "source") ? "page" : undefined
                }
              >
                {label}
              </a>
            ))}
          <a href={linkTo("compare", { run })} aria-current={route.page === "compare" ? "page" : undefined}>
            Compare
          </a>
        </nav>
        <span class="spacer" />
        {backend.madeAt !== null ? (
          <span class="muted">Report of {backend.madeAt.slice(0, 16).replace("T", " ")}</span>
        ) : (
          !live && <span class="problem">Connection lost</span>
        )}
        {!CHARTLESS.includes(route.page) && (
          <label class="smoothing">
            Over
            <select value={axis.name} onChange={(event) => setAxis(event.currentTarget.value)}>
              {AXES.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
        )}
        {!CHARTLESS.includes(route.page) && (
          <label class="smoothing">
            Smoothing
            <select value={String(smoothing)} onChange={(event) => setSmoothing(Number(event.currentTarget.value))}>
              {SMOOTHINGS.map((weight) => (
                <option key={weight} value={String(weight)}>
                  {weight === 0 ? "none" : weight}
                </option>
              ))}
            </select>
          </label>
        )}
        <KeyboardHelp />
        <button class="small" onClick={toggleTheme} aria-label={dark ? "Light colors" : "Dark colors"}>
          {dark ? "☀" : "☾"}
        </button>
      </header>
      <main id="content" tabIndex={-1}>
        <CurrentPage key={place} page={route.page} run={run} runs={runs.data} problem={runs.error} version={total} />
      </main>
    </SurroundingsContext.Provider>
  );
}

function RunPicker({ run, page, runs }: { run: string; page: PageName; runs: readonly RunSummary[] }) {
  return (
    <select
      aria-label="Run"
      value={run}
      onChange={(event) =>
        (location.hash = linkTo(page === "source" ? "sources" : page, { run: event.currentTarget.value }))
      }
    >
      {!runs.some(({ id }) => id === run) && <option value={run}>{run}</option>}
      {runs
        .filter(({ id, labels }) => !labels.archived || id === run)
        .map(({ id, labels: { title } }) => (
          <option key={id} value={id}>
            {title === null ? id : `${title} (${id})`}
          </option>
        ))}
    </select>
  );
}

function CurrentPage({
  page,
  run,
  runs,
  problem,
  version,
}: {
  page: PageName;
  run: string | null;
  runs: readonly RunSummary[] | undefined;
  problem: string | undefined;
  version: number;
}) {
  if (page === "compare") return <ComparePage runs={(runs ?? []).filter(({ labels }) => !labels.archived)} />;
  if (page === "runs" || run === null) return <RunsPage runs={runs} problem={problem} version={version} />;
  if (page === "overview") return <OverviewPage run={run} />;
  if (page === "sources") return <SourcesPage run={run} />;
  if (page === "source") return <SourcePage run={run} />;
  if (page === "changes") return <ChangesPage run={run} />;
  if (page === "evaluation") return <EvaluationPage run={run} />;
  return <RolloutsPage run={run} />;
}
