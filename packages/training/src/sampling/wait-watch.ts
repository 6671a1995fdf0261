/**
 * Lets a person leave a run that waits for servers: the first Ctrl-C lets a step finish, which it would never do while nobody
 * answers. The step is then given up, untrained, and the run ends as after the step before.
 */

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
