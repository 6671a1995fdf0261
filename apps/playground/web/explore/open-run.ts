/** A run in a worker of its own, which the dashboard asks. */
import type { Backend } from "../../../../packages/monitor/web/backend";
import { messageBackend } from "../../../../packages/monitor/web/message-backend";
import { linkTo } from "../../../../packages/monitor/web/route";
import type { RunQuestion } from "./protocol";
import { Reader } from "./reader";

/** A run that the dashboard can show. */
export interface OpenRun {
  readonly backend: Backend;
  /** The dashboard's first page. */
  readonly start: string;
  /** Ends the worker. */
  close(): void;
}

/** @throws Error with the text of what is wrong with the files */
export async function openRun(chosen: RunQuestion["chosen"]): Promise<OpenRun> {
  const reader = new Reader();
  const { port1, port2 } = new MessageChannel();
  try {
    const { id, hasNumbers } = await reader.ask("run", { chosen, port: port2 });
    const start = linkTo(hasNumbers ? "overview" : "rollouts", { run: id });
    return { backend: messageBackend(port1), start, close: () => reader.close() };
  } catch (error) {
    reader.close();
    throw error;
  }
}
