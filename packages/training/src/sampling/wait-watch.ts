/**
 * Lets a person leave a run that waits for servers: the first Ctrl-C lets a step finish, which it would never do while
 * nobody answers. The step is then given up, untrained, and the run ends as after the step before.
 */
import type { EngineEvents } from "@v-triune/engines";
import type { TrainingListener } from "../training-event";

/** The reason of a step's signal when it was given up. */
export class GivenUpWaiting extends Error {
  override readonly name = "GivenUpWaiting";
}

export interface WaitWatch {
  /** Told by engine and reward source. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Of the step that is going on. */
  readonly signal: AbortSignal;
  dispose(): void;
}

/** What engine and reward servers report, as events of the run; while one is waited for, the run can be left. */
export function serverEvents(
  { pause, resume }: Pick<WaitWatch, "pause" | "resume">,
  listen: TrainingListener,
): Required<EngineEvents> & { readonly onReport: (message: string) => void } {
  return {
    onReport: (message) => listen({ type: "engine", state: "found", message }),
    onWarning: (message) => listen({ type: "warning", message }),
    onPause: (message) => {
      listen({ type: "engine", state: "waiting", message });
      pause();
    },
    onResume: (message) => {
      resume();
      listen({ type: "engine", state: "back", message });
    },
  };
}

/** @param interruption the person's wish to stop */
export function watchWaiting(
  interruption: { readonly requested: boolean; readonly signal?: AbortSignal } | undefined,
): WaitWatch {
  const controller = new AbortController();
  let waiting = 0;
  const look = (): void => {
    if (waiting > 0 && interruption?.requested)
      controller.abort(new GivenUpWaiting("given up while waiting for servers"));
  };
  interruption?.signal?.addEventListener("abort", look);
  return {
    pause: () => {
      waiting += 1;
      look();
    },
    resume: () => void (waiting = Math.max(0, waiting - 1)),
    signal: controller.signal,
    dispose: () => interruption?.signal?.removeEventListener("abort", look),
  };
}
