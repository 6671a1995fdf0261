/**
 * What an agent may ask of runs: tools that read and never write. Their answers are JSON, and pictures where asked for.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { formatTable, openQuery } from "../query/query-runs";
import { answerPairs } from "../dashboard/changes/answer-pairs";
import type { WindowQuestion } from "../dashboard/changes/change-windows";
import { runChanges } from "../dashboard/changes/run-changes";
import type { RolloutFilter, StepWindow, StreamKey } from "../dashboard/dashboard-api";
import { DashboardError } from "../dashboard/dashboard-error";
import type { RolloutReader } from "../dashboard/rollouts/rollout-reader";
import type { Picture } from "../dashboard/rollouts/sample-picture";
import type { RunCatalogue } from "../dashboard/run-folder/run-catalogue";
import type { RunView } from "../dashboard/run-folder/run-view";
import type { McpContent, McpToolDescription } from "./mcp-sdk";

export interface McpContext {
  readonly catalogue: RunCatalogue;
  readonly rollouts: RolloutReader;
  readonly folders: readonly string[];
}

type Arguments = Readonly<Record<string, unknown>>;

export interface McpTool extends McpToolDescription {
  call(given: Arguments, context: McpContext): Promise<readonly McpContent[]>;
}

/** Characters of one answer: what a model reads at once has an end. */
const LONGEST_TEXT = 60_000;
const LONGEST_RESPONSE = 4_000;
const MOST_ROLLOUTS = 50;
const SERIES_POINTS = 60;
const MOST_STREAMS = 40;

function json(value: unknown): McpContent[] {
  const text = JSON.stringify(value);
  return [
    {
      type: "text",
      text:
        text.length <= LONGEST_TEXT
          ? text
          : `${text.slice(0, LONGEST_TEXT)}\n.. cut at ${LONGEST_TEXT} of ${text.length} characters: ask for less`,
    },
  ];
}

const RUN = { type: "string", description: "Id of a run, from list_runs" };
const STEP = { type: "integer", minimum: 0 };
const WINDOW = {
  type: "object",
  properties: { from: STEP, to: STEP },
  required: ["from", "to"],
  description: "Steps, both ends included",
};
const SCOPE = { type: "string", enum: ["source", "task", "all"] };
const WINDOWS = {
  since: {
    ...STEP,
    description: "Compare the later steps with as many up to this one. Default: the middle of the run",
  },
  before: WINDOW,
  after: WINDOW,
};

function tool(
  name: string,
  description: string,
  properties: Readonly<Record<string, object>>,
  required: readonly string[],
  call: McpTool["call"],
): McpTool {
  const inputSchema = { type: "object", properties, required, additionalProperties: false };
  return { name, description, inputSchema, annotations: { readOnlyHint: true }, call };
}

/** @throws DashboardError for a name that no run has */
async function runOf({ catalogue }: McpContext, given: Arguments): Promise<RunView> {
  const run = catalogue.get(String(given["run"]));
  if (run === undefined)
    throw new DashboardError({
      what: "There is no run of this id.",
      where: "run",
      expected: `one of ${catalogue
        .all()
        .map(({ id }) => id)
        .slice(0, 50)
        .join(", ")}`,
      found: String(given["run"]),
    });
  do await run.refresh();
  while (run.isBehind);
  return run;
}

function wholeNumber(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new DashboardError({
    what: "An argument cannot be used.",
    where: name,
    expected: "a whole number from 0",
    found: JSON.stringify(value) ?? "nothing",
  });
}

function windowOf(name: string, value: unknown): StepWindow | undefined {
  if (value === undefined) return undefined;
  const { from, to } = isRecord(value) ? value : {};
  const window = { from: wholeNumber(`${name}.from`, from), to: wholeNumber(`${name}.to`, to) };
  if (window.to >= window.from) return window;
  throw new DashboardError({
    what: "A window ends before it begins.",
    where: name,
    found: `${window.from} to ${window.to}`,
  });
}

function windowsOf({ since, before, after }: Arguments): WindowQuestion {
  return {
    since: since === undefined ? undefined : wholeNumber("since", since),
    before: windowOf("before", before),
    after: windowOf("after", after),
  };
}

const scopeOf = (value: unknown, otherwise: StreamKey["scope"]): StreamKey["scope"] =>
  value === "source" || value === "task" || value === "all" ? value : otherwise;

export const MCP_TOOLS: readonly McpTool[] = [
  tool(
    "list_runs",
    "All runs with state, step, reward and number of alarms that hold.",
    {},
    [],
    async (_given, { catalogue }) => {
      const runs = catalogue.all();
      for (const run of runs) await run.refresh();
      return json(runs.map((run) => run.summary()));
    },
  ),
  tool(
    "describe_run",
    "A run's configuration, sources and tasks with the names of their metrics, steps with stored rollouts, notes.",
    { run: RUN },
    ["run"],
    async (given, context) => {
      const { streams, ...detail } = await (await runOf(context, given)).detail();
      // Sources have the same metrics, mostly: the names once.
      const metrics = [...new Set(streams.flatMap((stream) => stream.metrics))].sort();
      return json({ ...detail, streams: streams.map(({ metrics: _metrics, ...stream }) => stream), metrics });
    },
  ),
  tool(
    "changes",
    "What got worse between two windows of steps, by source, task and over all, the reward that fell most first: means " +
      "over rollouts, 95% intervals, prompts and rollouts. 'worse' and 'better' are beyond chance, 'unclear' is not.",
    { run: RUN, ...WINDOWS },
    ["run"],
    async (given, context) => json(await runChanges(await runOf(context, given), context.rollouts, windowsOf(given))),
  ),
  tool(
    "answers_before_and_after",
    "Answers of a source, a task or all in two windows of steps, side by side: the same prompts where they recur.",
    { run: RUN, scope: SCOPE, name: { type: "string", description: "Source or task; 'all' for all" }, ...WINDOWS },
    ["run", "name"],
    async (given, context) => {
      const run = await runOf(context, given);
      const changes = await runChanges(run, context.rollouts, windowsOf(given), { resamples: 100 });
      const name = String(given["name"]);
      const row = { scope: scopeOf(given["scope"], name === "all" ? "all" : "source"), name };
      const { before, after } = changes;
      return json({ before, after, ...(await answerPairs(run, context.rollouts, changes, row)) });
    },
  ),
  tool(
    "alarms",
    "What the alarms of a run found (collapse, length, cut answers, entropy, ..), with advice; the latest first.",
    { run: RUN },
    ["run"],
    async (given, context) => {
      const run = await runOf(context, given);
      return json(run.alarms(await run.rolloutSteps()));
    },
  ),
  tool(
    "metric",
    "A metric over the steps, of all, of every source or task, or of one. At most 60 points per series.",
    {
      run: RUN,
      metric: { type: "string", description: "e.g. critic/rewards/mean" },
      scope: SCOPE,
      name: { type: "string" },
      split: { type: "string", enum: ["train", "eval"] },
      from: STEP,
      to: STEP,
    },
    ["run", "metric"],
    async (given, context) => {
      const run = await runOf(context, given);
      const scope = scopeOf(given["scope"], "all");
      const split = given["split"] === "eval" ? "eval" : "train";
      const { streams } = await run.detail();
      const keys = streams
        .filter((stream) => stream.split === split && stream.scope === scope)
        .filter(({ name }) => given["name"] === undefined || name === given["name"])
        .slice(0, MOST_STREAMS);
      const range = ["from", "to"].map((end) => (given[end] === undefined ? undefined : wholeNumber(end, given[end])));
      return json(run.series(keys, [String(given["metric"])], SERIES_POINTS, ...range));
    },
  ),
  tool(
    "rollouts",
    "Rollouts of a run that meet all conditions, with the end of each answer. rollout_group shows a prompt in full.",
    {
      run: RUN,
      step: STEP,
      source: { type: "string" },
      status: { type: "string", enum: ["scored", "skipped", "error"] },
      truncated: { type: "boolean" },
      rewardFrom: { type: "number" },
      rewardTo: { type: "number" },
      order: { type: "string", enum: ["group", "reward", "-reward", "length", "-length"] },
      limit: { ...STEP, maximum: MOST_ROLLOUTS },
      offset: STEP,
    },
    ["run"],
    async (given, context) => {
      const { run: _run, limit, ...filter } = given;
      const run = await runOf(context, given);
      const most = Math.min(MOST_ROLLOUTS, limit === undefined ? 20 : wholeNumber("limit", limit));
      return json(await context.rollouts.list(run, { ...(filter as RolloutFilter), limit: most }));
    },
  ),
  tool(
    "rollout_group",
    "One prompt of a step with its pictures and all its answers: rewards term by term, advantages, boxes in thousandths " +
      "of the picture.",
    { run: RUN, step: STEP, group: STEP, pictures: { type: "boolean", description: "Default true" } },
    ["run", "step", "group"],
    async (given, context) => {
      const run = await runOf(context, given);
      const pictures: Picture[] = [];
      const group = await context.rollouts.group(
        run,
        wholeNumber("step", given["step"]),
        wholeNumber("group", given["group"]),
        (index, picture) => {
          pictures.push(picture);
          return `picture ${index}`;
        },
      );
      if (group === undefined)
        throw new DashboardError({
          what: "There are no rollouts of this step and group.",
          where: "step, group",
          expected: `steps ${(await run.rolloutSteps()).slice(-50).join(", ") || "none"}, groups from the tool rollouts`,
          found: `${String(given["step"])}, ${String(given["group"])}`,
        });
      const shortened = group.rollouts.map((rollout) => ({
        ...rollout,
        excerpt: undefined,
        response: rollout.response.slice(-LONGEST_RESPONSE),
      }));
      const shown = given["pictures"] === false ? [] : pictures;
      return [
        ...json({ ...group, rollouts: shortened }),
        ...shown.map(({ type, bytes }): McpContent => ({
          type: "image",
          mimeType: type,
          data: Buffer.from(bytes).toString("base64"),
        })),
      ];
    },
  ),
  tool(
    "query",
    "DuckDB's SQL over all runs, SELECT only: rollouts (run, step, group_index, sample_index, data_source, task, id, " +
      "prompt, response, ground_truth, reward, accuracy, format, advantage, truncated, status, reason, response_tokens, " +
      "metrics), metrics (run, step, split, scope, name, task, metric, value), changes(step). JSON Lines.",
    { sql: { type: "string" } },
    ["sql"],
    async (given, { folders }) => {
      const problems: string[] = [];
      const query = await openQuery(folders, (problem) => problems.push(problem), { isReadOnly: true });
      try {
        const text = formatTable(await query.run(String(given["sql"])), "jsonl");
        const cut = text.length > LONGEST_TEXT;
        return [
          { type: "text", text: cut ? `${text.slice(0, LONGEST_TEXT)}\n.. cut: add a limit` : text || "no rows" },
          ...problems.map((problem): McpContent => ({ type: "text", text: problem })),
        ];
      } finally {
        query.close();
      }
    },
  ),
];
