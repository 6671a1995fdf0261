/**
 * Who may ask: pages of this machine, by a name of this machine. A web page elsewhere can make the browser send
 * requests to 127.0.0.1, and by DNS rebinding under its own name even read the answers; its name is then in Host, and
 * another site's in Origin or Sec-Fetch-Site. Who may change something is edit-guard.ts's matter.
 */
import type { MiddlewareHandler } from "hono";

export const LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** The name of a Host header without its port. */
export function hostName(host: string): string {
  return host.replace(/:\d*$/, "").toLowerCase();
}

/**
 * Answers 403 to a request under a name that is not allowed or from another site, 405 to methods that the dashboard
 * does not know.
 *
 * @param allowedHosts names besides those of the loopback
 */
export function requestGuard(allowedHosts: readonly string[]): MiddlewareHandler {
  const allowed = new Set([...LOCAL_NAMES, ...allowedHosts.map((name) => name.toLowerCase())]);
  return async (context, next) => {
    const { method } = context.req;
    if (method !== "GET" && method !== "HEAD" && method !== "POST")
      return context.json({ error: "There is no such method here." }, 405, { Allow: "GET, HEAD, POST" });
    const host = context.req.header("host");
    if (host === undefined || !allowed.has(hostName(host))) {
      return context.json(
        {
          error:
            `The dashboard does not answer under the name ${host ?? "(none)"}. Open it as localhost, or start it ` +
            "with --allow-host.",
        },
        403,
      );
    }
    const origin = context.req.header("origin");
    const otherOrigin = origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host.toLowerCase());
    const site = context.req.header("sec-fetch-site");
    const isNavigation = context.req.header("sec-fetch-mode") === "navigate";
    if (otherOrigin || ((site === "cross-site" || site === "same-site") && !isNavigation))
      return context.json({ error: "The dashboard does not answer other sites." }, 403);
    await next();
    const { headers } = context.res;
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("X-Frame-Options", "DENY");
    if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
    if (!headers.has("Content-Security-Policy"))
      headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox");
  };
}
