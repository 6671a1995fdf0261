/** A backend in a worker, asked through messages. */
import type { Backend } from "./backend";

/** What is asked; everything that gives a promise. */
type Question = Exclude<keyof Backend, "madeAt" | "edits" | "listen">;

interface Asked {
  readonly id: number;
  readonly question: Question;
  readonly parameters: readonly unknown[];
}

type Answered =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly changed: readonly string[] };

/** Answers what comes through the port, and tells it what changes. */
export function answerMessages(port: MessagePort, backend: Backend): void {
  const say = (message: Answered): void => port.postMessage(message);
  port.addEventListener("message", ({ data: { id, question, parameters } }: MessageEvent<Asked>) => {
    const ask = backend[question] as (...parameters: readonly unknown[]) => Promise<unknown>;
    ask(...parameters).then(
      (answer) => say({ id, answer }),
      (error: unknown) => say({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  backend.listen(
    (changed) => say({ changed }),
    () => undefined,
  );
  port.start();
}

/** The backend at the other end of the port. */
export function messageBackend(port: MessagePort): Backend {
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  const listeners = new Set<(runs: readonly string[]) => void>();
  let asked = 0;
  port.addEventListener("message", ({ data }: MessageEvent<Answered>) => {
    if ("changed" in data) {
      for (const listener of listeners) listener(data.changed);
      return;
    }
    const question = waiting.get(data.id);
    waiting.delete(data.id);
    if ("error" in data) question?.reject(new Error(data.error));
    else question?.resolve(data.answer as never);
  });
  port.start();
  const ask =
    <Q extends Question>(question: Q) =>
    (...parameters: Parameters<Backend[Q]>): ReturnType<Backend[Q]> =>
      new Promise((resolve, reject) => {
        const id = (asked += 1);
        waiting.set(id, { resolve, reject });
        port.postMessage({ id, question, parameters } satisfies Asked);
      }) as ReturnType<Backend[Q]>;
  return {
    madeAt: null,
    edits: null,
    runs: ask("runs"),
    settings: ask("settings"),
    run: ask("run"),
    alarms: ask("alarms"),
    evaluations: ask("evaluations"),
    series: ask("series"),
    grid: ask("grid"),
    changes: ask("changes"),
    answers: ask("answers"),
    rollouts: ask("rollouts"),
    group: ask("group"),
    listen(onChange, onLive) {
      listeners.add(onChange);
      onLive(true);
      return () => listeners.delete(onChange);
    },
  };
}
