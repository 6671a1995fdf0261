/**
 * An environment over WebSocket at `/ws`, as OpenEnv's EnvClient speaks (PyPI `openenv` 0.10:
 * core/env_server/http_server.py):
 *
 *     {"type": "reset", "data": {..}}  → {"type": "observation", "data": {"observation", "reward", "done", "metadata"}}
 *     {"type": "step", "data": action} → the same
 *     {"type": "state"}                → {"type": "state", "data": {..}}
 *     {"type": "close"}                → the connection is closed
 *     anything wrong                   → {"type": "error", "data": {"message", "code"}}, and the session goes on
 *
 * A connection is a session with an episode of its own. Its messages are answered one after the other.
 */
import { randomUUID } from "node:crypto";
import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { isRecord } from "@v-triune/node-kit/is-record";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { bearerTokenCheck } from "../http/bearer-token";
import { isDeeperThan } from "../http/nesting";
import { CLIENT_GONE, RefusalError } from "../http/refusal-error";
import type { Environment } from "./environment";
import { Episode, NO_TASK } from "./episode";

/** Where sessions are opened. */
export const SESSION_PATH = "/ws";

/** Messages of one session that wait; a client of OpenEnv sends the next one when it has its answer. */
const MOST_WAITING = 64;
const MOST_LEVELS = 32;
/** A client that does not answer two of these in a row is gone. */
const PING_MS = 30_000;

/** Codes of OpenEnv (`WSErrorCode`). */
type ErrorCode =
  | "INVALID_JSON"
  | "UNKNOWN_TYPE"
  | "VALIDATION_ERROR"
  | "EXECUTION_ERROR"
  | "CAPACITY_REACHED"
  | "SESSION_ERROR";

/** The open sessions. */
export interface Sessions {
  readonly count: number;
  /** Closes each session once its answers are sent; resolves when all are closed. */
  drain(): Promise<void>;
  /** Cuts off those that are left. */
  close(): void;
}

/**
 * Opens sessions on a server.
 *
 * @param draining whether new sessions are refused
 */
export function openSessions(http: Server, environment: Environment, draining: () => boolean): Sessions {
  const { settings } = environment.tools;
  const server = new WebSocketServer({ noServer: true, maxPayload: settings.bodyBytes });
  const isRight = settings.token === undefined ? () => true : bearerTokenCheck(settings.token);
  const sessions = new Set<Session>();

  const refusal = (request: IncomingMessage): readonly [number, string] | undefined => {
    const { authorization, origin } = request.headers;
    if (new URL(request.url ?? "/", "http://server").pathname !== SESSION_PATH)
      return [404, `sessions are at ${SESSION_PATH}`];
    // A page of any origin can open a WebSocket; CORS does not hold for it.
    if (origin !== undefined && origin !== settings.corsOrigin)
      return [403, `pages of ${origin.slice(0, 100)} may not ask (--cors)`];
    if (!isRight(authorization)) return [401, "a valid bearer token is needed: Authorization: Bearer .."];
    return draining() ? [503, "the server is stopping"] : undefined;
  };
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const refused = refusal(request);
    if (refused !== undefined) return refuse(socket, ...refused);
    server.handleUpgrade(request, socket, head, (connection) => {
      if (sessions.size >= environment.maxSessions) return turnAway(connection, environment);
      const session = new Session(connection, environment);
      sessions.add(session);
      connection.once("close", () => sessions.delete(session));
    });
  });
  const pings = setInterval(() => sessions.forEach((session) => session.ping()), PING_MS);
  pings.unref();
  http.once("close", () => clearInterval(pings));
  return {
    get count() {
      return sessions.size;
    },
    async drain() {
      await Promise.all([...sessions].map((session) => session.drain()));
    },
    close() {
      for (const session of sessions) session.connection.terminate();
    },
  };
}

class Session {
  readonly #episode: Episode;
  readonly #gone = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #answersPings = true;

  constructor(
    readonly connection: WebSocket,
    readonly environment: Environment,
  ) {
    this.#episode = new Episode(environment);
    connection.on("message", (data, isBinary) => this.#take(data, isBinary));
    connection.on("pong", () => (this.#answersPings = true));
    // ws closes the connection after each of these, for example a message over the limit.
    connection.on("error", () => {});
    connection.once("close", () => this.#gone.abort(CLIENT_GONE));
  }

  ping(): void {
    if (!this.#answersPings) return this.connection.terminate();
    this.#answersPings = false;
    this.connection.ping();
  }

  async drain(): Promise<void> {
    await this.#work;
    const closed = new Promise<void>((resolve) => this.connection.once("close", () => resolve()));
    this.connection.close(1001, "the server is stopping");
    await closed;
  }

  #take(data: RawData, isBinary: boolean): void {
    if (this.#waiting >= MOST_WAITING)
      return this.connection.close(1008, `at most ${MOST_WAITING} messages may wait for their answers`);
    this.#waiting += 1;
    this.#work = this.#work.then(async () => {
      try {
        await this.#answer(data, isBinary);
      } finally {
        this.#waiting -= 1;
      }
    });
  }

  async #answer(data: RawData, isBinary: boolean): Promise<void> {
    const message = isBinary ? undefined : parsed(data);
    if (message === undefined)
      return this.#refuse("INVALID_JSON", isBinary ? "a text message expected" : "the message is not JSON");
    if (!isRecord(message) || isDeeperThan(message, MOST_LEVELS))
      return this.#refuse("VALIDATION_ERROR", `an object with a type expected, of at most ${MOST_LEVELS} levels`);
    const { type, data: content } = message;
    const { metrics } = this.environment.tools;
    const known = ["reset", "step", "state", "close"].includes(String(type));
    const route = `${SESSION_PATH} ${known ? String(type) : "other"}`;
    try {
      if (type === "close") this.connection.close(1000);
      else if (type === "state") this.#send("state", this.#episode.state);
      else if (type === "reset") this.#send("observation", await this.#episode.reset(content));
      else if (type === "step") this.#send("observation", await this.#episode.step(content, this.#gone.signal));
      else {
        const found = JSON.stringify(type)?.slice(0, 100) ?? "nothing";
        this.#refuse("UNKNOWN_TYPE", `type: one of reset, step, state, close expected, found ${found}`);
        return metrics.request(route, 422);
      }
      metrics.request(route, 200);
    } catch (error) {
      if (error === CLIENT_GONE) return;
      metrics.request(route, error instanceof RefusalError ? error.status : 500);
      this.#fail(error, route);
    }
  }

  #fail(error: unknown, route: string): void {
    const { log } = this.environment.tools;
    if (error instanceof RefusalError) {
      const isExecution = error.status >= 500 || error.code === NO_TASK;
      return this.#refuse(isExecution ? "EXECUTION_ERROR" : "VALIDATION_ERROR", error.message, error.details);
    }
    const incident = randomUUID();
    log.error({ path: route, incident, err: error }, "internal fault");
    this.#refuse("SESSION_ERROR", `internal fault ${incident}; the server's log has the details`, { incident });
  }

  #refuse(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}): void {
    this.#send("error", { ...details, message, code });
  }

  #send(type: "observation" | "state" | "error", data: object): void {
    if (this.connection.readyState === this.connection.OPEN) this.connection.send(JSON.stringify({ type, data }));
  }
}

/** OpenEnv's clients read why from an error that comes before the connection is closed. */
function turnAway(connection: WebSocket, { maxSessions, tools }: Environment): void {
  const message = `${maxSessions} sessions are open and no more are taken (--max-sessions); try again later`;
  tools.metrics.request(SESSION_PATH, 503);
  connection.on("error", () => {});
  connection.send(JSON.stringify({ type: "error", data: { message, code: "CAPACITY_REACHED" } }));
  connection.close(1013, "no free session");
}

function refuse(socket: Duplex, status: number, reason: string): void {
  const body = JSON.stringify({ error: { code: "refused", message: reason } });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function parsed(data: RawData): unknown {
  try {
    return JSON.parse(String(data)) as unknown;
  } catch {
    return undefined;
  }
}
