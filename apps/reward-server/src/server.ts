import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import {
  builtinVerifierModule,
  createIsolatedRewardSource,
  type IsolatedRewardSource,
  type PoolStats,
} from "@v-triune/rewards/isolated";
import { openJudge } from "@v-triune/rewards/judge";
import { pino, type Logger } from "pino";
import { createApp } from "./app";
import { boxWarnings } from "./box-warnings";
import { completeSettings } from "./complete-settings";
import { openEnvironment, type EnvironmentOptions } from "./environment/environment";
import { openSessions } from "./environment/sessions";
import { guardSource } from "./guarded-source";
import { judgedSource } from "./judged-source";
import { createServerMetrics } from "./metrics";
import { ServerConfigError, type RewardServerSettings } from "./settings";
import { warnOnce } from "./warnings";

/** A running reward server. */
export interface RewardServer {
  /** Its address: `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly port: number;
  /** The verifiers it has. */
  readonly verifiers: readonly string[];
  readonly stats: PoolStats;
  /**
   * Stops: takes no new connections, says so at `/readyz`, answers what was accepted, then closes everything.
   *
   * @returns false if the time for that (`drainMs`) was over before all was answered
   */
  drain(): Promise<boolean>;
}

/**
 * Starts a reward server; resolves when it can judge.
 *
 * @param given the settings that differ from the defaults
 * @param log default JSON lines to standard error
 * @param environment tasks to serve beside the rewards, over HTTP and WebSocket as OpenEnv's clients expect
 * @throws ServerConfigError for a setting out of range or an address that cannot be used; VerifierLoadError for a
 *   verifier that cannot
 * @example const server = await startRewardServer({ port: 0 }); await fetch(`${server.url}/readyz`); await server.drain();
 */
export async function startRewardServer(
  given: Partial<RewardServerSettings> = {},
  log?: Logger,
  environment?: EnvironmentOptions,
): Promise<RewardServer> {
  const settings = completeSettings(given);
  const logger = log ?? pino({ level: settings.logLevel, base: null }, pino.destination(2));
  const judge = settings.judge === undefined ? undefined : await openJudge(settings.judge);
  const workers = await startWorkers(settings);
  const source = judge === undefined ? workers : judgedSource(workers, judge, settings);
  try {
    return await listen(settings, source, logger, environment);
  } catch (error) {
    await source.close();
    throw error;
  }
}

function startWorkers(settings: RewardServerSettings): Promise<IsolatedRewardSource> {
  return createIsolatedRewardSource({
    verifiers: [
      builtinVerifierModule({
        detection: { epsilon: settings.epsilon, compat: settings.compat === "original" },
        golds: settings.compat === "original" ? "asWritten" : "whole",
      }),
      ...settings.verifiers,
    ],
    workers: settings.workers,
    maxSpareWorkers: settings.maxSpareWorkers,
    isolation: settings.isolation,
    deadlineMs: settings.deadlineMs,
    memoryMb: settings.memoryMb,
    // In compat mode rewards are formed by the original's rule, outside the workers.
    normalized: settings.normalized || settings.compat === "original",
    // In a clone, a custom verifier finds the sources of the workspace, as everything else there does.
    execArgv: import.meta.url.endsWith(".ts") ? ["--conditions=@v-triune/source"] : [],
  });
}

async function listen(
  settings: RewardServerSettings,
  source: IsolatedRewardSource,
  log: Logger,
  environmentOptions: EnvironmentOptions | undefined,
): Promise<RewardServer> {
  const state = { draining: false };
  const metrics = createServerMetrics();
  const guarded = guardSource(source, settings, metrics.verdict);
  metrics.watch(guarded);
  const ready = () => {
    if (state.draining) return { ready: false, reason: "the server is stopping" };
    return source.stats.ready > 0 ? { ready: true, reason: "" } : { ready: false, reason: "no worker is ready" };
  };
  const tools = { settings, source: guarded, metrics, log, warn: warnOnce(log), noteBoxes: boxWarnings(log) };
  const environment = environmentOptions && (await openEnvironment(environmentOptions, tools));
  const draining = () => state.draining;
  const app = createApp({ ...tools, ready, draining, environment });
  const http = createServer(
    {
      requestTimeout: settings.requestMs,
      headersTimeout: Math.min(settings.headersMs, settings.requestMs),
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 75_000,
    },
    getRequestListener((request, env) => app.fetch(request, env as never), { overrideGlobalObjects: false }),
  );
  http.timeout = settings.idleMs;
  const sessions = environment && openSessions(http, environment, draining);
  if (sessions) metrics.watchSessions(() => sessions.count);
  const port = await bind(http, settings);
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  const url = `http://${host}:${port}`;
  log.info({ url, workers: settings.workers, verifiers: source.names, compat: settings.compat }, "ready");
  if (settings.token === undefined && !isLoopback(settings.host))
    log.warn({ host: settings.host }, "reachable from other machines without a token; --token-file sets one");
  return {
    url,
    port,
    verifiers: source.names,
    get stats() {
      return source.stats;
    },
    async drain() {
      state.draining = true;
      const closed = new Promise<void>((resolve) => void http.close(() => resolve()));
      // Node closes idle connections only once; this closes those whose last reply ends later.
      const sweep = setInterval(() => http.closeIdleConnections(), 50);
      await within(Promise.all([closed, sessions?.drain()]), settings.drainMs);
      clearInterval(sweep);
      const inTime = guarded.accepted === 0;
      http.closeAllConnections();
      sessions?.close();
      await source.close();
      log.info({ inTime }, "stopped");
      return inTime;
    },
  };
}

function bind(http: Server, { host, port }: RewardServerSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new ServerConfigError({
          what: `The server cannot listen on ${host}:${port}.`,
          expected: "a free address of this machine",
          found: error.message,
          fix:
            error.code === "EADDRINUSE"
              ? "stop what listens there, or choose another --port"
              : "choose another --host or --port",
          cause: error,
        }),
      );
    });
    http.listen({ host, port, backlog: 1024 }, () => resolve((http.address() as AddressInfo).port));
  });
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
