/**
 * Who may change labels and delete runs: a page that knows the secret of this server, and sends JSON with it from its
 * own origin. The pages served under a name of the loopback carry the secret; under other names people type the token
 * with which the server was started (docs/decisions/0011-the-dashboard-writes-beside-the-numbers.md).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { HonoRequest, MiddlewareHandler } from "hono";
import { DashboardError } from "../dashboard-error";
import { hostName, LOCAL_NAMES } from "./request-guard";

/** The header with the secret. A page of another site cannot send it: the preflight gets no answer. */
export const EDIT_HEADER = "x-v-triune-edit";
const SHORTEST_TOKEN = 16;

/** How a page may change things: with the secret that it carries, with a token that it asks for, or not at all. */
export type EditAccess = { readonly secret: string } | "ask" | "no";

export interface EditGuard {
  /** For a request: what the page that it asks for, or comes from, may do. */
  accessOf(request: HonoRequest): EditAccess;
  /** Answers 403 to every request that may not change anything, 415 to one that is not JSON. */
  readonly middleware: MiddlewareHandler;
}

export interface EditGuardOptions {
  readonly readOnly: boolean;
  /** The server can be reached from this machine only. On another address, Host says nothing of who asks. */
  readonly isLoopback: boolean;
  /** What people under other names than the loopback's must know; undefined: they only read. */
  readonly token: string | undefined;
}

/** What proxies add: who asks is elsewhere, whatever name the proxy uses. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** @throws DashboardError for a token that is short enough to be guessed */
export function createEditGuard({ readOnly, isLoopback, token }: EditGuardOptions): EditGuard {
  if (token !== undefined && token.length < SHORTEST_TOKEN)
    throw new DashboardError({
      what: "The token for changes is too short.",
      where: "V_TRIUNE_MONITOR_TOKEN",
      expected: `at least ${SHORTEST_TOKEN} characters`,
      found: `${token.length}`,
      fix: "set a longer one, for example the output of openssl rand -hex 16",
    });
  const secret = randomBytes(24).toString("base64url");
  const accessOf = (request: HonoRequest): EditAccess => {
    if (readOnly) return "no";
    const isForwarded = FORWARDED.some((name) => request.header(name) !== undefined);
    if (isLoopback && !isForwarded && LOCAL_NAMES.includes(hostName(request.header("host") ?? ""))) return { secret };
    return token === undefined ? "no" : "ask";
  };
  return {
    accessOf,
    async middleware(context, next) {
      const access = accessOf(context.req);
      if (access === "no") return context.json({ error: "This dashboard only reads." }, 403);
      const wanted = access === "ask" ? token! : access.secret;
      const given = context.req.header(EDIT_HEADER);
      if (given === undefined || !timingSafeEqual(digest(given), digest(wanted)))
        return context.json(
          {
            error:
              access === "ask"
                ? "The token is not that of this dashboard."
                : "The dashboard was started again since this page was opened. Load the page again.",
            code: "edit-secret",
          },
          403,
        );
      if (!/^application\/json\b/i.test(context.req.header("content-type") ?? ""))
        return context.json({ error: "JSON is expected." }, 415);
      await next();
      return undefined;
    },
  };
}
