/** `--dashboard`: the monitor's page over a run for as long as it trains. */
import { relative } from "node:path";

export interface RunDashboard {
  /** Where it is, in a line or two; or why it is nowhere. */
  readonly announcement: string;
  /** null where it could not be started. */
  readonly url: string | null;
  /** What to type to see the run again. */
  readonly again: string;
  close(): Promise<void>;
}

/**
 * Starts the dashboard in a thread of its own: training leaves this one no time to answer. If the dashboard cannot
 * start, a message says so and the run goes on.
 *
 * @param onProblem told when it ends before the run
 */
export async function openRunDashboard(folder: string, onProblem: (message: string) => void): Promise<RunDashboard> {
  const { DashboardError, DEFAULT_PORT, FURTHER_PORTS, openInBrowser, startBackgroundDashboard } =
    await import("@v-triune/monitor/dashboard");
  const short = relative(process.cwd(), folder);
  const again = `npx @v-triune/monitor ${short === "" || short.startsWith("..") ? folder : short}`;
  try {
    const { url, port, close } = await startBackgroundDashboard({ folder, furtherPorts: FURTHER_PORTS, onProblem });
    openInBrowser(url);
    return {
      announcement: `Dashboard: ${url}${port === DEFAULT_PORT ? "" : ` (port ${DEFAULT_PORT} is taken)`}\n`,
      url,
      again,
      close,
    };
  } catch (error) {
    if (!(error instanceof DashboardError)) throw error;
    return {
      announcement: `The dashboard could not be started; the run goes on without it.\n${error.message}\n`,
      url: null,
      again,
      close: async () => {},
    };
  }
}
