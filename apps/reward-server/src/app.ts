import { randomUUID } from "node:crypto";
import { Hono, type Handler } from "hono";
import { cors } from "hono/cors";
import packageJson from "../package.json" with { type: "json" };
import { openApiDocument } from "./contract/openapi";
import { bearerTokenCheck } from "./http/bearer-token";
import { CLIENT_GONE, RefusalError } from "./http/refusal-error";
import { PAGE_POLICY, serverPage } from "./page";
import { judgeBatchRoute, judgeRoute } from "./routes/judge";
import { environmentPaths } from "./environment/contract";
import type { Environment } from "./environment/environment";
import { ENVIRONMENT_OPEN_PATHS, environmentRoutes } from "./environment/environment-routes";
import type { RouteTools, ServerEnv } from "./routes/route";
import { scoreRoute } from "./routes/score";
import { openRlhfRoute, slimeRoute } from "./routes/trainers";

/** The original server's greeting. */
export const GREETING = { message: "Reward Judge Server" };

/** What the app needs besides the needs of its routes. */
export interface AppParts extends RouteTools {
  /** Whether the server takes requests: workers are ready and it is not stopping. */
  readonly ready: () => { readonly ready: boolean; readonly reason: string };
  /** Whether connections close after their next reply. */
  readonly draining: () => boolean;
  /** Tasks that are served beside the rewards, if any. */
  readonly environment?: Environment | undefined;
}

/** Paths that need no token: they tell only that the server runs. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/", "/healthz", "/readyz", ...ENVIRONMENT_OPEN_PATHS]);

/** Whether a client prefers HTML: a browser says so, programs ask for JSON or for anything. */
function wantsHtml(accept: string | undefined): boolean {
  const html = accept?.indexOf("text/html") ?? -1;
  const json = accept?.indexOf("application/json") ?? -1;
  return html >= 0 && (json < 0 || html < json);
}

/**
 * Routes, refusals and counters as one hono app. It runs on `@hono/node-server`, whose request and reply it reads
 * directly.
 */
export function createApp(parts: AppParts): Hono<ServerEnv> {
  const { settings, metrics, log } = parts;
  const app = new Hono<ServerEnv>();
  const routes = createRoutes(parts);
  const methods = new Map<string, string[]>();
  for (const { method, path } of routes) methods.set(path, [...(methods.get(path) ?? []), method]);

  app.use(async (c, next) => {
    await next();
    metrics.request(methods.has(c.req.path) ? c.req.path : "other", c.res.status);
    if (parts.draining()) c.header("connection", "close");
  });
  if (settings.corsOrigin !== undefined)
    app.use(cors({ origin: settings.corsOrigin, allowHeaders: ["authorization", "content-type", "x-deadline-ms"] }));
  if (settings.token !== undefined) {
    const isRight = bearerTokenCheck(settings.token);
    app.use(async (c, next) => {
      if (!OPEN_PATHS.has(c.req.path) && !isRight(c.env.incoming.headers.authorization)) {
        throw new RefusalError(
          401,
          "unauthorized",
          "a valid bearer token is needed: Authorization: Bearer ..",
          {},
          { "www-authenticate": "Bearer" },
        );
      }
      await next();
    });
  }
  for (const { method, path, handler } of routes) app.on(method, path, handler);
  app.notFound((c) => {
    const allowed = methods.get(c.req.path);
    const fault =
      allowed === undefined
        ? new RefusalError(
            404,
            "not-found",
            `no route ${c.req.path.slice(0, 200)}; known: ${[...methods.keys()].join(", ")}`,
          )
        : new RefusalError(
            405,
            "method-not-allowed",
            `${c.req.path} takes ${allowed.join(", ")}`,
            {},
            { allow: allowed.join(", ") },
          );
    return c.json(fault.body, fault.status, fault.headers);
  });
  app.onError((error, c) => {
    if (error instanceof RefusalError) {
      if (error.status >= 500)
        log.warn(
          { path: c.req.path, code: error.code, reason: settings.logText ? error.message : error.details["reason"] },
          "request failed",
        );
      return c.json(error.body, error.status, error.headers);
    }
    if ((error as unknown) === CLIENT_GONE) return c.body(null, 400);
    // The client gets a number to quote; the log has what happened.
    const incident = randomUUID();
    log.error({ path: c.req.path, incident, err: error }, "internal fault");
    return c.json(
      new RefusalError(500, "internal", `internal fault ${incident}; the server's log has the details`, { incident })
        .body,
      500,
    );
  });
  return app;
}

interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly handler: Handler<ServerEnv>;
}

function createRoutes(parts: AppParts): readonly Route[] {
  const { metrics, ready, settings, source } = parts;
  const about = { version: packageJson.version, verifiers: source.names, token: settings.token !== undefined };
  const page = serverPage(about);
  const openApi = openApiDocument({
    ...about,
    batch: settings.batch,
    bodyBytes: settings.bodyBytes,
    environment: parts.environment && environmentPaths(),
  });
  return [
    { method: "POST", path: "/judge", handler: judgeRoute(parts) },
    { method: "POST", path: "/judge/batch", handler: judgeBatchRoute(parts) },
    { method: "POST", path: "/v1/score", handler: scoreRoute(parts) },
    { method: "POST", path: "/openrlhf", handler: openRlhfRoute(parts) },
    { method: "POST", path: "/slime", handler: slimeRoute(parts) },
    {
      method: "GET",
      path: "/",
      handler: (c) =>
        wantsHtml(c.env.incoming.headers.accept)
          ? c.html(page, 200, { "content-security-policy": PAGE_POLICY, vary: "accept" })
          : c.json(GREETING, 200, { vary: "accept" }),
    },
    { method: "GET", path: "/openapi.json", handler: (c) => c.json(openApi) },
    { method: "GET", path: "/healthz", handler: (c) => c.json({ status: "ok" }) },
    {
      method: "GET",
      path: "/readyz",
      handler: (c) => {
        const { ready: isReady, reason } = ready();
        return c.json({ status: isReady ? "ready" : "not ready", reason }, isReady ? 200 : 503);
      },
    },
    {
      method: "GET",
      path: "/metrics",
      handler: async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
    },
    ...(parts.environment === undefined ? [] : environmentRoutes(parts.environment, ready)),
  ];
}
