/** Asks a server that answers 429 or 503 again, when it says or after a rest that doubles. */
import { setTimeout as sleep } from "node:timers/promises";
import { NoAnswerError } from "./http-json";

export interface WhileBusyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Time that all rests may take together. Default 60 s. */
  readonly longestMs?: number;
  /** Default 500 ms. */
  readonly shortestRestMs?: number;
}

/** @throws what `action` throws; its last `busy` when the time is over; the signal's reason */
export async function whileBusy<T>(
  action: () => Promise<T>,
  { signal, longestMs = 60_000, shortestRestMs = 500 }: WhileBusyOptions = {},
): Promise<T> {
  let rested = 0;
  for (let tries = 0; ; tries++) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof NoAnswerError) || error.kind !== "busy") throw error;
      const restMs = Math.max(error.retryAfterMs ?? shortestRestMs * 2 ** tries, shortestRestMs);
      if (rested + restMs > longestMs) throw error;
      rested += restMs;
      await sleep(restMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
}
