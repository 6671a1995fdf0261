/**
 * Ctrl-C: the first one lets the step finish and be saved, the second one stops at once.
 *
 * A terminal, npm and the launcher each pass the same key press on, so signals that arrive together count once.
 */

export interface Interruption {
  /** True from the first signal on; the training loop looks at it between steps. */
  readonly requested: boolean;
  /** Aborted at the first signal; for waits that should not outlast it. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node, whose default is to end the process. */
  dispose(): void;
}

export interface InterruptionOptions {
  /** Said at the first signal: what happens now. */
  readonly message: string;
  /** Where it is printed. Default standard error. */
  readonly print?: (text: string) => void;
  /** Ends the process. Default process.exit. */
  readonly exit?: (code: number) => void;
  /** Milliseconds, from any start; only the distance between two signals matters. */
  readonly now?: () => number;
  /** Where signals come from. Default the process. */
  readonly source?: Pick<NodeJS.EventEmitter, "on" | "removeListener">;
}

/** Signals closer together than this are one key press, in ms. */
const SAME_KEY_PRESS = 300;

/** What a shell reports for a process that a signal ended: 128 + the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Takes over SIGINT and SIGTERM until `dispose`. */
export function catchInterruption(options: InterruptionOptions): Interruption {
  const source = options.source ?? process;
  const print = options.print ?? ((text: string) => void process.stderr.write(`\n${text}\n`));
  const exit = options.exit ?? ((code: number) => process.exit(code));
  const now = options.now ?? (() => performance.now());
  const controller = new AbortController();
  let lastSignal = -Infinity;

  const handler = (name: keyof typeof EXIT_CODES) => (): void => {
    const at = now();
    const sameKeyPress = at - lastSignal < SAME_KEY_PRESS;
    lastSignal = at;
    if (!controller.signal.aborted) {
      controller.abort();
      print(options.message);
    } else if (!sameKeyPress) {
      print("Stopped at once. What was saved before stays as it is.");
      exit(EXIT_CODES[name]);
    }
  };
  const handlers = { SIGINT: handler("SIGINT"), SIGTERM: handler("SIGTERM") };
  for (const [name, listener] of Object.entries(handlers)) source.on(name, listener);
  return {
    get requested() {
      return controller.signal.aborted;
    },
    signal: controller.signal,
    dispose() {
      for (const [name, listener] of Object.entries(handlers)) source.removeListener(name, listener);
    },
  };
}
