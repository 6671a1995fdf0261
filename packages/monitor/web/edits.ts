/** Changes of labels, deleting and restoring, as the server allows them to this page. */
import type { RunLabels, TrashedRun } from "../src/dashboard/dashboard-api";

/** What of a run's labels changes. */
export interface LabelChange {
  readonly title?: string | null;
  readonly tags?: readonly string[];
  readonly note?: string;
  readonly archived?: boolean;
}

export interface Edits {
  /** `revision` is that of the labels which the reader saw. */
  label(run: string, revision: number, change: LabelChange): Promise<RunLabels>;
  /** Moves a run into the trash. */
  remove(run: string): Promise<TrashedRun>;
  restore(id: string): Promise<void>;
  trash(): Promise<readonly TrashedRun[]>;
}

/** A refusal of the server, with its code if it has one. */
export class EditError extends Error {
  override readonly name = "EditError";

  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}

const HEADER = "x-v-triune-edit";
/** Where a token that was typed stays until the tab is closed. */
const STORED = "edit-token";

function typedToken(): string {
  const known = sessionStorage.getItem(STORED);
  if (known !== null) return known;
  const typed = prompt("Token for changes (V_TRIUNE_MONITOR_TOKEN of this dashboard):")?.trim() ?? "";
  if (typed === "") throw new EditError("Nothing was changed: the dashboard wants a token for changes.", "no-token");
  sessionStorage.setItem(STORED, typed);
  return typed;
}

async function send<T>(path: string, secret: string | null, body: unknown): Promise<T> {
  const response = await fetch(`/api/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", [HEADER]: secret ?? typedToken() },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new EditError("The dashboard does not answer. Nothing was changed.", undefined);
  });
  const answer = (await response.json().catch(() => ({}))) as { error?: string; code?: string };
  if (response.ok) return answer as T;
  // A wrong token is asked for again.
  if (answer.code === "edit-secret" && secret === null) sessionStorage.removeItem(STORED);
  throw new EditError(answer.error ?? `The server answered ${response.status}.`, answer.code);
}

/** @param access the page's `edits`: `no`, `ask` or the secret */
export function openEdits(access: string): Edits | null {
  if (access !== "ask" && !access.startsWith("secret ")) return null;
  const secret = access === "ask" ? null : access.slice("secret ".length);
  return {
    label: (run, revision, change) => send("labels", secret, { run, revision, ...change }),
    remove: (run) => send("delete", secret, { run }),
    async restore(id) {
      await send("restore", secret, { id });
    },
    async trash() {
      const response = await fetch("/api/trash");
      if (!response.ok) throw new EditError(`The server answered ${response.status}.`, undefined);
      return (await response.json()) as TrashedRun[];
    },
  };
}
