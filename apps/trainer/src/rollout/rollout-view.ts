import type { RolloutEvent } from "./make-rollouts";

export interface RolloutView {
  readonly listen: (event: RolloutEvent) => void;
  /** Clears the line, so that ordinary output can follow. */
  close(): void;
}

/** Bad rows that are shown one by one. */
const SHOWN = 5;

/** One line in place on a terminal, a line every tenth where output is no terminal; what goes wrong stands above it. */
export function createRolloutView(
  stream: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): RolloutView {
  let first: { readonly at: number; readonly done: number } | undefined;
  let last = -Infinity;
  let tenth = -1;
  let badRows = 0;
  const clear = (): void => void (stream.isTTY && stream.write("\r\u001b[K"));
  const say = (text: string): void => {
    clear();
    stream.write(`${text}\n`);
  };
  const count = (value: number): string => value.toLocaleString("en-US");
  return {
    listen(event) {
      if (event.type === "engine") return say(event.message);
      if (event.type === "bad-row") return badRows++ < SHOWN ? say(`left out: ${event.message}`) : undefined;
      const { done, total } = event;
      first ??= { at: now(), done };
      const seconds = (now() - first.at) / 1000;
      const rate = (done - first.done) / Math.max(1e-9, seconds);
      const left = rate > 0 && seconds > 1 ? `, ${duration((total - done) / rate)} left` : "";
      const line = `${count(done)} of ${count(total)} answers${left}`;
      if (stream.isTTY) {
        if (now() - last < 100 && done < total) return;
        last = now();
        stream.write(`\r\u001b[K${line.slice(0, (stream.columns || 80) - 1)}`);
      } else if (Math.floor((10 * done) / Math.max(1, total)) > tenth) {
        tenth = Math.floor((10 * done) / Math.max(1, total));
        stream.write(`${line}\n`);
      }
    },
    close() {
      clear();
      if (badRows > SHOWN) stream.write(`left out: ${badRows - SHOWN} more rows\n`);
    },
  };
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
