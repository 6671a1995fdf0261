/** Clients by session, and what is forgotten when one falls silent. */
import { randomUUID } from "node:crypto";
import { RequestRefusal } from "./request-refusal";

const TICK_MS = 5000;

interface Session {
  readonly id: string;
  silentMs: number;
}

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #timer: NodeJS.Timeout;

  /** @param onEnd called with the id of a session that was silent for longer than `timeoutMs` */
  constructor(timeoutMs: number, onEnd: (id: string) => void) {
    const tickMs = Math.min(TICK_MS, Math.max(10, timeoutMs / 4));
    this.#timer = setInterval(() => {
      for (const session of this.#sessions.values()) {
        // Counted by ticks and not by the clock: while this thread or the machine stands still, no heartbeat is heard.
        session.silentMs += tickMs;
        if (session.silentMs <= timeoutMs) continue;
        this.#sessions.delete(session.id);
        onEnd(session.id);
      }
    }, tickMs);
    this.#timer.unref();
  }

  create(): string {
    const id = `session-${randomUUID().slice(0, 8)}`;
    this.#sessions.set(id, { id, silentMs: 0 });
    return id;
  }

  /** @throws RequestRefusal 404 for a session that is not known */
  touch(id: string): void {
    const session = this.#sessions.get(id);
    if (!session)
      throw new RequestRefusal(404, `session ${id} is not known: it was silent for too long, or is of another server`);
    session.silentMs = 0;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#sessions.clear();
  }
}
