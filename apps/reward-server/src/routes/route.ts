import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Logger } from "pino";
import type { ContentOptions } from "@v-triune/rewards";
import type { boxWarnings } from "../box-warnings";
import type { GuardedSource } from "../guarded-source";
import type { ServerMetrics } from "../metrics";
import type { RewardServerSettings } from "../settings";
import { readJson } from "../http/read-json";
import { RefusalError } from "../http/refusal-error";
import { requestLife } from "../http/request-life";

/** What hono carries with each request here. */
export interface ServerEnv {
  readonly Bindings: HttpBindings;
}

/** A request's context. */
export type RouteContext = Context<ServerEnv>;

/** What every route works with. */
export interface RouteTools {
  readonly source: GuardedSource;
  readonly settings: RewardServerSettings;
  readonly log: Logger;
  readonly metrics: ServerMetrics;
  /** Logs what of a request was ignored; each text once. */
  readonly warn: (route: string, warnings: readonly string[]) => void;
  /** Told of the outcomes of each request, to warn of boxes in another convention. */
  readonly noteBoxes: ReturnType<typeof boxWarnings>;
}

/** How bodies are read here: parts of content that are left out are counted. */
export function contentOptions({ metrics }: RouteTools): ContentOptions {
  return { onIgnoredPart: metrics.ignoredPart };
}

/** The body of a request, and the signal that ends its work. */
export async function openRequest(
  c: RouteContext,
  { settings }: RouteTools,
): Promise<{ readonly body: unknown; readonly signal: AbortSignal }> {
  const signal = requestLife(c.env.incoming, c.env.outgoing);
  return { body: await readJson(c.env.incoming, settings.bodyBytes), signal };
}

/** @throws RefusalError 413 for a request with too many samples */
export function checkBatch(count: number, { settings }: RouteTools): void {
  if (count > settings.batch)
    throw new RefusalError(
      413,
      "batch-too-large",
      `${count} samples in one request; at most ${settings.batch} are taken (--max-batch)`,
      { limit: settings.batch },
    );
}
