import type { ErrorDetails } from "@v-triune/errors";
import type { Dashboard } from "../server/start-dashboard";

/** What the dashboard's thread reports. */
export type ThreadMessage =
  | ({ readonly type: "started" } & Omit<Dashboard, "close">)
  | { readonly type: "failed"; readonly error: ErrorDetails };
