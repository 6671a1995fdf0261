/** The dashboard's life: finds runs, follows them, serves them on the loopback until it is closed. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { DashboardError } from "../dashboard-error";
import { dashboardRoutes } from "./dashboard-routes";
import { ChangeFeed } from "./change-feed";
import { createEditGuard } from "./edit-guard";
import { RolloutReader } from "../rollouts/rollout-reader";
import { RunCatalogue } from "../run-folder/run-catalogue";

export interface DashboardOptions {
  /** A run folder, or a folder of them; several may be given to compare. They may not exist yet. */
  readonly folder: string | readonly string[];
  /** Default 6070; 0 takes a free one. */
  readonly port?: number;
  /** Number of ports above that are tried when that one is taken. Default 0. */
  readonly furtherPorts?: number;
  /** Address to listen on. Default the loopback, 127.0.0.1: everyone who reaches another one can read the runs. */
  readonly host?: string;
  /** Names besides localhost under which the page may be opened. */
  readonly allowedHosts?: readonly string[];
  /** Refuses all changes of labels, and deleting. Default false: pages under a name of the loopback may change them. */
  readonly readOnly?: boolean;
  /** Lets people under other names change labels who know it; at least 16 characters. Default: they only read. */
  readonly editToken?: string | undefined;
  /** Time between two looks at the files. Default 1000 ms. */
  readonly pollMilliseconds?: number;
}

export interface Dashboard {
  /** `http://localhost:6070/` */
  readonly url: string;
  readonly port: number;
  /** Runs found when it started. */
  readonly runs: readonly string[];
  /** Stops listening and following; open pages are cut off. */
  close(): Promise<void>;
}

/** Milliseconds that the first reading may take before the server is said to be there. */
const FIRST_READING = 500;

/** The default port. */
export const DEFAULT_PORT = 6070;
/** Ports above it that a command tries before it gives up: as many dashboards may stand side by side. */
export const FURTHER_PORTS = 20;
const LAST_PORT = 65_535;

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);

/** Listens at the first port that is free, of `port` and as many above it as told. */
async function listen(server: ServerType, host: string, port: number, further: number): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const cause = error as NodeJS.ErrnoException;
    const taken = cause.code === "EADDRINUSE";
    if (taken && further > 0 && port < LAST_PORT) return await listen(server, host, port + 1, further - 1);
    throw new DashboardError({
      what: taken ? "Another program listens on the dashboard's port." : "The dashboard cannot listen.",
      where: `${host}:${port}`,
      found: taken ? undefined : cause.message,
      fix: taken
        ? "choose another port (--port), or 0 for any free one"
        : "choose another address (--host) or port (--port)",
      cause,
    });
  }
}

/**
 * Starts the dashboard and returns once it listens; large metrics files are read after that, in the background. What
 * runs write is only read; people may change labels and delete runs into the trash.
 *
 * @throws DashboardError if it cannot listen on the port, or for a token that is too short
 * @example const dashboard = await startDashboard({ folder: "runs" }); console.log(dashboard.url);
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const {
    folder,
    port = DEFAULT_PORT,
    furtherPorts = 0,
    host = "127.0.0.1",
    allowedHosts = [],
    readOnly = false,
    editToken,
    pollMilliseconds = 1_000,
  } = options;
  const catalogue = new RunCatalogue(typeof folder === "string" ? [folder] : folder);
  const rollouts = new RolloutReader();
  const edits = createEditGuard({ readOnly, isLoopback: isLoopback(host), token: editToken });
  const changes = new ChangeFeed();
  await catalogue.scan();
  const isWildcard = host === "0.0.0.0" || host === "::";
  const app = dashboardRoutes({
    catalogue,
    rollouts,
    changes,
    allowedHosts: isWildcard ? allowedHosts : [host, ...allowedHosts],
    edits,
  });

  const server = createAdaptorServer({ fetch: app.fetch });
  await listen(server, host, port, port === 0 ? 0 : furtherPorts);

  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  async function follow(): Promise<void> {
    const before = catalogue.all().map(({ id }) => id);
    await catalogue.scan().catch(() => undefined);
    const after = catalogue.all();
    const changed = before.filter((id) => catalogue.get(id) === undefined);
    await Promise.all(
      after.map(async (run) => {
        if ((await run.refresh()) || !before.includes(run.id)) changed.push(run.id);
      }),
    );
    if (changed.length > 0) changes.tell(changed);
  }
  function again(): void {
    working = follow()
      .catch(() => undefined)
      .then(() => {
        const isBehind = catalogue.all().some((run) => run.isBehind);
        if (!closed) timer = setTimeout(again, isBehind ? 0 : pollMilliseconds).unref();
      });
  }
  again();
  // What is read at once need not appear piecemeal on the first page.
  await Promise.race([working, delay(FIRST_READING)]);

  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host === "127.0.0.1" || isWildcard ? "localhost" : host}:${actual}/`,
    port: actual,
    runs: catalogue.all().map(({ id }) => id),
    async close() {
      closed = true;
      clearTimeout(timer);
      changes.close();
      const stopped = new Promise<void>((resolve) => void server.close(() => resolve()));
      if ("closeAllConnections" in server) server.closeAllConnections();
      await Promise.all([stopped, working]);
      await rollouts.close();
    },
  };
}
