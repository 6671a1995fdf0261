import type { RunInMemory } from "../src/dashboard/run-in-memory";
import type { Backend } from "./backend";

/** Points of a series unless the page asks for more or fewer, and of a sparkline, as the server has them. */
const POINTS = 1_000;
const SPARKLINE_POINTS = 60;

/** Who listens to a run that changes. */
export class ChangeListeners {
  readonly #listeners = new Set<() => void>();

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** @returns stops listening */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Answers from one run in memory, whatever run is asked for. */
export function memoryBackend(run: RunInMemory, changes: ChangeListeners): Backend {
  const { id } = run.summary();
  return {
    madeAt: null,
    edits: null,
    runs: async () => [run.summary()],
    settings: async () => ({ [id]: run.settings() }),
    run: async () => run.detail(),
    alarms: async () => run.numbers.alarms(run.rolloutSteps()),
    evaluations: async (_, metric) => run.evaluations(metric),
    series: async (_, { split, scope, names, metrics, points = POINTS, from, to }) =>
      run.numbers.series(
        names.map((name) => ({ split, scope, name })),
        metrics,
        points,
        from,
        to,
      ),
    grid: async (_, { split, scope, metrics, window }) =>
      run.numbers.grid(split, scope, metrics, window, SPARKLINE_POINTS),
    async changes(_, { since, windows }) {
      const step = since ? Number(since) : undefined;
      if (Number.isNaN(step)) throw new Error("since is not a number.");
      return run.changes({ ...(step === undefined ? {} : { since: Math.trunc(step) }), ...windows });
    },
    answers: async (_, windows, row) => run.answers(windows, row),
    rollouts: async (_, filter) => run.rollouts(filter),
    async group(_, step, group) {
      const found = await run.group(step, group);
      if (found === undefined) throw new Error("There is no such group of rollouts.");
      return found;
    },
    listen(onChange, onLive) {
      onLive(true);
      return changes.add(() => onChange([id]));
    },
  };
}
