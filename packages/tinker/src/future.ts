/**
 * The results of requests that a server has taken: polled for until they are there. Forms seen: the result itself; HTTP
 * 408 or `{type: "try_again"}` while it is pending; HTTP 400 or 200 with `error` when the work failed; 410 when the
 * server has dropped the request; 404 when it does not know it.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { setTimeout as sleep } from "node:timers/promises";
import { TinkerError } from "./tinker-error";
import { type Transport, errorOfReply, serverWords, unreadable } from "./transport";

export interface FutureOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the result is waited for, in ms. Default 30 minutes. */
  readonly timeoutMs?: number;
}

/** Replies of a failing server that are asked for again before it is given up. */
const MOST_FAILURES = 5;
/** A server that answers "pending" sooner than this does not wait itself. */
const QUICK_MS = 20;

/** What the server answers when it has dropped a request that it had taken: it may be sent again. */
export class RequestDropped extends Error {
  override readonly name = "RequestDropped";
}

/**
 * @param reply of the request: `request_id`, or the result itself
 * @param what the request was, for messages
 * @throws TinkerError `failed`, `lost`, `timed-out` and those of the transport; RequestDropped
 */
export async function awaitResult(
  transport: Transport,
  reply: Readonly<Record<string, unknown>>,
  what: string,
  { signal, timeoutMs = 30 * 60_000 }: FutureOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const id = reply["request_id"];
  if (typeof id !== "string" && typeof id !== "number") return settled(200, reply, `${transport.base}/api/v1/${what}`);
  const where = `${transport.base}/api/v1/${what}, request ${id}`;
  const began = performance.now();
  let failures = 0;
  let pauseMs = 5;
  for (;;) {
    const asked = performance.now();
    const { status, body } = await transport.exchange("retrieve_future", {
      body: { request_id: id },
      repeatable: true,
      signal,
    });
    const pending = status === 408 || (status === 200 && isRecord(body) && body["type"] === "try_again");
    const failing = status >= 500 && ++failures < MOST_FAILURES;
    if (!pending && !failing) return settled(status, body, where);
    if (performance.now() - began > timeoutMs)
      throw new TinkerError({
        what: "The server has not finished the request in time.",
        where,
        expected: `a result within ${timeoutMs / 1000} s`,
        found: serverWords(body),
        fix: "wait longer, send less at once, or look whether the server still works",
        code: "timed-out",
        status,
      });
    if (failing || performance.now() - asked < QUICK_MS) {
      await sleep(failing ? 1000 : pauseMs, undefined, { signal }).catch(() => {});
      signal?.throwIfAborted();
      pauseMs = Math.min(250, pauseMs * 1.5);
    }
  }
}

function settled(status: number, body: unknown, where: string): Readonly<Record<string, unknown>> {
  if (status === 410) throw new RequestDropped(serverWords(body));
  if (status === 200) {
    if (!isRecord(body)) throw unreadable(where, "a result", body);
    if (!("error" in body) || body["error"] === null) return body;
    const category = typeof body["category"] === "string" ? body["category"] : undefined;
    throw workFailed(where, body, status, category);
  }
  if (status === 400 || status === 422) throw workFailed(where, body, status, undefined);
  throw errorOfReply({ status, body }, where);
}

function workFailed(where: string, body: unknown, status: number, category: string | undefined): TinkerError {
  return new TinkerError({
    what: "The server took the request, and its work failed.",
    where,
    found: `${serverWords(body)}${category === undefined ? "" : ` (category: ${category})`}`,
    fix: "change what the server's words name, or look into its log",
    code: "failed",
    status,
    category,
  });
}
