/**
 * The official SDK of the Model Context Protocol (`@modelcontextprotocol/server`, 2.x), loaded when `mcp` is started:
 * it is 17 MB with its dependencies, and nothing else of the monitor needs it. It is looked for beside the monitor,
 * then in the current folder. Only what is used of it is typed here, so that the monitor compiles without it.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DashboardError } from "../dashboard/dashboard-error";

export type McpContent =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly data: string; readonly mimeType: string };

export interface McpResult {
  readonly content: readonly McpContent[];
  readonly isError?: boolean;
}

/** A tool as the protocol lists it. */
export interface McpToolDescription {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: object;
  readonly annotations: { readonly readOnlyHint: boolean };
}

interface McpServer {
  setRequestHandler(method: "tools/list", handler: () => { readonly tools: readonly McpToolDescription[] }): void;
  setRequestHandler(
    method: "tools/call",
    handler: (request: {
      readonly params: { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> };
    }) => Promise<McpResult>,
  ): void;
}

export interface McpSdk {
  readonly Server: new (
    info: { readonly name: string; readonly version: string },
    options: { readonly capabilities: { readonly tools: object }; readonly instructions: string },
  ) => McpServer;
  /** Serves the process's standard input and output. */
  serveStdio(makeServer: () => McpServer): { close(): Promise<void> };
}

const PACKAGE = "@modelcontextprotocol/server";

/** @throws DashboardError when the SDK is not installed */
export async function loadMcpSdk(folder: string): Promise<McpSdk> {
  const places = [createRequire(import.meta.url), createRequire(join(folder, "noop.js"))];
  for (const place of places) {
    const found = resolved(place);
    if (found === undefined) continue;
    const [main, stdio] = await Promise.all(
      found.map(async (file) => (await import(pathToFileURL(file).href)) as Record<string, unknown>),
    );
    return {
      Server: main!["Server"] as McpSdk["Server"],
      serveStdio: stdio!["serveStdio"] as McpSdk["serveStdio"],
    };
  }
  throw new DashboardError({
    what: "The SDK of the Model Context Protocol is not installed.",
    where: PACKAGE,
    expected: "version 2, beside @v-triune/monitor or in the current folder",
    fix: `npm install ${PACKAGE}@2, or start it with npx -p @v-triune/monitor -p ${PACKAGE}@2 v-triune-monitor mcp runs/`,
  });
}

function resolved(require: NodeJS.Require): readonly [main: string, stdio: string] | undefined {
  try {
    return [require.resolve(PACKAGE), require.resolve(`${PACKAGE}/stdio`)];
  } catch {
    return undefined;
  }
}
