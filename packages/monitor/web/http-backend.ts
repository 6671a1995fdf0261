import type { Backend } from "./backend";
import { openEdits } from "./edits";
import { windowParameters } from "./route";

type Parameter = string | number | boolean | undefined | readonly string[];

async function ask<T>(path: string, parameters: Readonly<Record<string, Parameter>> = {}): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) for (const one of value as readonly string[]) query.append(name, one);
    else if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const response = await fetch(`/api/${path}?${query}`);
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error((answer as { error?: string }).error ?? `The server answered ${response.status}.`);
  return answer as T;
}

/** The data of the server that the page came from. */
export const httpBackend = (): Backend => ({
  madeAt: null,
  edits: openEdits(document.querySelector<HTMLMetaElement>("meta[name=edits]")?.content ?? "no"),
  runs: () => ask("runs"),
  settings: () => ask("settings"),
  run: (run) => ask("run", { run }),
  alarms: (run) => ask("alarms", { run }),
  evaluations: (run, metric) => ask("evaluations", { run, metric }),
  series: (run, { names, metrics, ...rest }) => ask("series", { run, name: names, metric: metrics, ...rest }),
  grid: (run, { metrics, ...rest }) => ask("grid", { run, metric: metrics, ...rest }),
  changes: (run, { since, windows }) => ask("changes", { run, since, ...(windows && windowParameters(windows)) }),
  answers: (run, windows, { scope, name }) =>
    ask("answers", { run, scope, name, ...(windows && windowParameters(windows)) }),
  rollouts: (run, filter) => ask("rollouts", { run, ...filter }),
  group: (run, step, group) => ask("group", { run, step, group }),
  listen(onChange, onLive) {
    const events = new EventSource("/api/events");
    events.addEventListener("hello", () => onLive(true));
    events.addEventListener("change", (event) => onChange(JSON.parse(event.data as string) as string[]));
    events.addEventListener("error", () => onLive(false));
    return () => events.close();
  },
});
