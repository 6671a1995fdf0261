/** What the dashboard answers: the page, GET /api/* and what changes labels, as dashboard-api.ts describes it. */
import { VTriuneError } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import type { MetricScope, MetricSplit } from "../../metric-record";
import type { NamedSeries, RolloutFilter, StepWindow, StreamKey } from "../dashboard-api";
import { answerPairs } from "../changes/answer-pairs";
import type { WindowQuestion } from "../changes/change-windows";
import { runChanges } from "../changes/run-changes";
import { KeptAnswers } from "../run-folder/kept-answers";
import { labelChange } from "../run-folder/run-labels";
import { restoreRun, trashedRuns, trashRun } from "../trash/run-trash";
import type { ChangeFeed } from "./change-feed";
import type { EditGuard } from "./edit-guard";
import { makePage } from "./page";
import { requestGuard } from "./request-guard";
import type { RolloutReader } from "../rollouts/rollout-reader";
import type { RunCatalogue } from "../run-folder/run-catalogue";
import type { RunView } from "../run-folder/run-view";

/** A request that names something that does not exist, or in the wrong form. */
class RequestError extends Error {
  override readonly name = "RequestError";

  constructor(
    message: string,
    readonly status: 400 | 404 = 400,
  ) {
    super(message);
  }
}

const MOST_POINTS = 5_000;
const MOST_SERIES = 400;
/** A note of 10,000 characters, each as an escape of JSON, fits. */
const LARGEST_BODY = 256 << 10;

/** Failures that are no fault of the request, but of what is there now. */
const CONFLICTS: readonly (string | undefined)[] = ["labels-changed", "run-in-use", "name-taken"];

const queryOf = (context: Context): URLSearchParams => new URL(context.req.url).searchParams;

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new RequestError(`${name} is not a number.`);
  return value;
}

function stepOf(query: URLSearchParams, name: string): number {
  const value = numberOf(query, name);
  if (value === undefined || !Number.isInteger(value) || value < 0 || value > 1e12)
    throw new RequestError(`${name} must be a whole number from 0.`);
  return value;
}

function oneOf<T extends string>(query: URLSearchParams, name: string, values: readonly T[], otherwise: T): T {
  const text = query.get(name) ?? otherwise;
  const found = values.find((value) => value === text);
  if (found === undefined) throw new RequestError(`${name} must be one of ${values.join(", ")}.`);
  return found;
}

const splitOf = (query: URLSearchParams): MetricSplit => oneOf(query, "split", ["train", "eval"], "train");
const scopeOf = (query: URLSearchParams, otherwise: MetricScope): MetricScope =>
  oneOf(query, "scope", ["source", "task", "all"], otherwise);

function filterOf(query: URLSearchParams): RolloutFilter {
  const filter: Record<string, unknown> = {};
  for (const name of ["step", "rewardFrom", "rewardTo", "lengthFrom", "lengthTo", "offset", "limit"])
    filter[name] = numberOf(query, name);
  filter.source = query.get("source") || undefined;
  filter.text = query.get("text") || undefined;
  filter.status = query.get("status") ? oneOf(query, "status", ["scored", "skipped", "error"], "scored") : undefined;
  filter.truncated = query.get("truncated") === "true" ? true : undefined;
  filter.order = oneOf(query, "order", ["group", "reward", "-reward", "length", "-length"], "group");
  return filter as RolloutFilter;
}

function windowOf(query: URLSearchParams, name: "before" | "after"): StepWindow | undefined {
  const from = numberOf(query, `${name}From`);
  const to = numberOf(query, `${name}To`);
  if (from === undefined || to === undefined) return undefined;
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to < from)
    throw new RequestError(`${name}From and ${name}To must be whole numbers, the first not above the second.`);
  return { from, to };
}

function windowsOf(query: URLSearchParams): WindowQuestion {
  const since = numberOf(query, "since");
  return {
    ...(since === undefined ? {} : { since: Math.trunc(since) }),
    before: windowOf(query, "before"),
    after: windowOf(query, "after"),
  };
}

async function bodyOf(context: Context): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await context.req.json().catch(() => undefined);
  if (!isRecord(body)) throw new RequestError("The request is not a JSON object.");
  return body;
}

export interface DashboardRoutesOptions {
  readonly catalogue: RunCatalogue;
  readonly rollouts: RolloutReader;
  readonly changes: ChangeFeed;
  readonly allowedHosts: readonly string[];
  readonly edits: EditGuard;
}

/** The dashboard as a Hono app; `createDashboardServer` gives it a port. */
export function dashboardRoutes({ catalogue, rollouts, changes, allowedHosts, edits }: DashboardRoutesOptions): Hono {
  const app = new Hono();
  const answers = new KeptAnswers();
  app.use(requestGuard(allowedHosts));
  app.onError((error, context) => {
    if (error instanceof RequestError) return context.json({ error: error.message }, error.status);
    if (VTriuneError.isInstance(error))
      return context.json({ error: error.message, code: error.code }, CONFLICTS.includes(error.code) ? 409 : 422);
    return context.json({ error: "The dashboard failed on this request." }, 500);
  });
  app.notFound((context) => context.json({ error: "There is nothing here." }, 404));

  // A run that began a moment ago has a page, too.
  app.use("/api/*", async (context, next) => {
    const query = queryOf(context);
    const asked = [query, ...query.getAll("chart").map((chart) => new URLSearchParams(chart))];
    const isUnknown = (id: string | null): boolean => id !== null && catalogue.get(id) === undefined;
    if (asked.some((one) => isUnknown(one.get("run")))) await catalogue.scan();
    await next();
  });

  function runCalled(id: unknown): RunView {
    const run = typeof id === "string" ? catalogue.get(id) : undefined;
    if (run === undefined) throw new RequestError("There is no such run.", 404);
    return run;
  }
  const runOf = (context: Context): RunView => runCalled(context.req.query("run"));

  app.get("/", async (context) => {
    const page = await makePage({ edits: edits.accessOf(context.req), moment: changes.moment });
    return context.html(page.html, 200, { "Content-Security-Policy": page.contentSecurityPolicy });
  });
  app.get("/api/runs", (context) => context.json(catalogue.all().map((run) => run.summary())));
  app.get("/api/run", async (context) => context.json(await runOf(context).detail()));
  app.get("/api/settings", (context) =>
    context.json(Object.fromEntries(catalogue.all().map((run) => [run.id, run.settings()]))),
  );
  app.get("/api/alarms", async (context) => {
    const run = runOf(context);
    return context.json(run.alarms(await run.rolloutSteps()));
  });

  app.get("/api/evaluations", (context) =>
    context.json(runOf(context).evaluations(context.req.query("metric") || undefined)),
  );

  function seriesOf(query: URLSearchParams): NamedSeries[] {
    const run = runCalled(query.get("run"));
    const names = query.has("name") ? query.getAll("name") : ["all"];
    const metrics = query.getAll("metric");
    if (names.length * metrics.length > MOST_SERIES) throw new RequestError(`More than ${MOST_SERIES} series at once.`);
    const split = splitOf(query);
    const scope = scopeOf(query, "all");
    const keys = names.map((name): StreamKey => ({ split, scope, name }));
    const points = Math.min(MOST_POINTS, Math.max(4, Math.trunc(numberOf(query, "points") ?? 1_000)));
    return run.series(keys, metrics, points, numberOf(query, "from"), numberOf(query, "to"));
  }
  app.get("/api/series", (context) => context.json(seriesOf(queryOf(context))));
  // Each `chart` is what /api/series is asked.
  app.get("/api/charts", (context) =>
    context.json(
      queryOf(context)
        .getAll("chart")
        .map((chart) => seriesOf(new URLSearchParams(chart))),
    ),
  );

  app.get("/api/grid", (context) => {
    const query = queryOf(context);
    const metrics = query.getAll("metric").slice(0, MOST_SERIES);
    const window = Math.min(1_000, Math.max(1, Math.trunc(numberOf(query, "window") ?? 10)));
    return context.json(runOf(context).grid(splitOf(query), scopeOf(query, "source"), metrics, window, 60));
  });

  app.get("/api/changes", async (context) => {
    const run = runOf(context);
    const windows = windowsOf(queryOf(context));
    const question = JSON.stringify(["changes", windows]);
    return context.json(await answers.of(run, question, () => runChanges(run, rollouts, windows)));
  });

  app.get("/api/answers", async (context) => {
    const { before, after } = windowsOf(queryOf(context));
    if (before === undefined || after === undefined) throw new RequestError("Both windows must be given.");
    const row = { scope: scopeOf(queryOf(context), "source"), name: context.req.query("name") ?? "" };
    const run = runOf(context);
    const question = JSON.stringify(["answers", before, after, row]);
    return context.json(await answers.of(run, question, () => answerPairs(run, rollouts, { before, after }, row)));
  });

  app.get("/api/rollouts", async (context) =>
    context.json(await rollouts.list(runOf(context), filterOf(queryOf(context)))),
  );

  app.get("/api/group", async (context) => {
    const run = runOf(context);
    const step = stepOf(queryOf(context), "step");
    const number = stepOf(queryOf(context), "group");
    const at = new URLSearchParams({ run: run.id, step: String(step), group: String(number) }).toString();
    const group = await rollouts.group(run, step, number, (index) => `/api/picture?${at}&index=${index}`);
    if (group === undefined) throw new RequestError("There is no such group of rollouts.", 404);
    return context.json(group);
  });

  app.get("/api/picture", async (context) => {
    const picture = await rollouts.picture(
      runOf(context),
      stepOf(queryOf(context), "step"),
      stepOf(queryOf(context), "group"),
      stepOf(queryOf(context), "index"),
    );
    if (picture === undefined) throw new RequestError("The picture cannot be read.", 404);
    return context.body(new Uint8Array(picture.bytes), 200, {
      "Content-Type": picture.type,
      "Cache-Control": "private, max-age=600",
    });
  });

  app.post(
    "/api/*",
    bodyLimit({
      maxSize: LARGEST_BODY,
      onError: (context) => context.json({ error: "The request is too large." }, 413),
    }),
    edits.middleware,
  );

  app.post("/api/labels", async (context) => {
    const { run: id, revision, ...labels } = await bodyOf(context);
    const run = runCalled(id);
    if (typeof revision !== "number") throw new RequestError("revision must be the number of the last change.");
    const changed = await run.changeLabels(labelChange(labels), revision);
    changes.tell([run.id]);
    return context.json(changed);
  });

  app.post("/api/delete", async (context) => {
    const run = runCalled((await bodyOf(context)).run);
    const { id, name, at } = await trashRun(run, catalogue.all());
    await catalogue.scan();
    changes.tell([run.id]);
    return context.json({ id, name, at });
  });

  app.get("/api/trash", async (context) =>
    context.json((await trashedRuns(catalogue.folders)).map(({ id, name, at }) => ({ id, name, at }))),
  );

  app.post("/api/restore", async (context) => {
    const { id } = await bodyOf(context);
    const entry = (await trashedRuns(catalogue.folders)).find((one) => one.id === id);
    if (entry === undefined) throw new RequestError("There is no such run in the trash.", 404);
    await restoreRun(entry);
    await catalogue.scan();
    const run = catalogue.all().find(({ folder }) => folder === entry.origin);
    await run?.refresh();
    changes.tell(run === undefined ? [] : [run.id]);
    return context.json({ run: run?.id ?? null });
  });

  app.get("/api/events", (context) =>
    streamSSE(context, async (stream) => {
      const send = (runs: readonly string[], id: string): Promise<void> =>
        stream.writeSSE({ event: "change", data: JSON.stringify(runs), id });
      const moment = context.req.header("Last-Event-ID") ?? context.req.query("since");
      const missed = moment === undefined ? [] : (changes.since(moment) ?? catalogue.all().map(({ id }) => id));
      const stop = changes.subscribe((runs, id) => void send(runs, id));
      const ended = new Promise<void>((resolve) => stream.onAbort(resolve));
      await stream.writeSSE({ event: "hello", data: "[]", retry: 2_000 });
      if (missed.length > 0) await send(missed, changes.moment);
      await ended;
      stop();
    }),
  );
  return app;
}
