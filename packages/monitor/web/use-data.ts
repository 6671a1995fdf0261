import { createContext } from "preact";
import { useContext, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Axis } from "./axis";
import type { Backend } from "./backend";
import type { DrawingTurns } from "./drawing-turns";
import type { ChartSubject } from "./pins";
import type { Route } from "./route";

export interface Surroundings {
  readonly backend: Backend;
  readonly route: Route;
  /** Grows when a run has changed. */
  version(run: string): number;
  readonly dark: boolean;
  /** Weight of the step before in what charts draw; 0: as recorded. */
  readonly smoothing: number;
  /** What charts are drawn over. */
  readonly axis: Axis;
  /** When charts draw what has changed. */
  readonly drawing: DrawingTurns;
  /** Charts that stand at the top of the overview. */
  readonly pins: readonly ChartSubject[];
  togglePin(chart: ChartSubject): void;
}

export const SurroundingsContext = createContext<Surroundings | null>(null);

export function useSurroundings(): Surroundings {
  const found = useContext(SurroundingsContext);
  if (found === null) throw new Error("outside of the page");
  return found;
}

export interface Loaded<T> {
  /** What came last; it stays while the next is on its way. */
  readonly data: T | undefined;
  readonly error: string | undefined;
}

/**
 * Loads when `key` changes. With another `subject` the earlier data is forgotten; within one it stays until the new is
 * there.
 */
export function useData<T>(subject: string, key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<Loaded<T> & { subject: string }>({ subject, data: undefined, error: undefined });
  const latest = useRef(0);
  // Asks before the browser paints what it has, which takes longer than the answer.
  useLayoutEffect(() => {
    const ticket = (latest.current += 1);
    load().then(
      (data) => ticket === latest.current && setState({ subject, data, error: undefined }),
      (error: Error) =>
        ticket === latest.current &&
        setState((before) => ({
          subject,
          data: before.subject === subject ? before.data : undefined,
          error: error.message,
        })),
    );
  }, [subject, key]);
  return state.subject === subject ? state : { data: undefined, error: undefined };
}
