import { once } from "node:events";

/** The longest time between two ticks that Node's timers allow, 25 days. */
const LONG = 2 ** 31 - 1;

/**
 * Waits for Ctrl-C or the end of the terminal. Listening for a signal does not keep a process alive, and neither does a
 * dashboard in a thread of its own, so a timer does.
 */
export async function untilInterrupted(): Promise<void> {
  const alive = setInterval(() => undefined, LONG);
  try {
    await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
  } finally {
    clearInterval(alive);
  }
}
