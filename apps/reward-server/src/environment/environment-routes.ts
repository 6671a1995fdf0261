/**
 * An environment over HTTP, as OpenEnv's own server has it: a request has no session, so `POST /step` names its task
 * (`split`, `index`) beside the action. Trainers use the WebSocket (sessions.ts).
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import packageJson from "../../package.json" with { type: "json" };
import { DEADLINE_PASSED, RefusalError } from "../http/refusal-error";
import { readJson } from "../http/read-json";
import { openRequest, type RouteContext } from "../routes/route";
import { invalid, schemas } from "./contract";
import { ENVIRONMENT_NAME, type Environment } from "./environment";
import { Episode } from "./episode";

/** One route of the server. */
export interface EnvironmentRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly handler: (c: RouteContext) => Response | Promise<Response>;
}

/** Paths that need no token: clients look at them before they have a session. */
export const ENVIRONMENT_OPEN_PATHS: readonly string[] = ["/health"];

export function environmentRoutes(
  environment: Environment,
  ready: () => { readonly ready: boolean },
): readonly EnvironmentRoute[] {
  const { tasks, tools } = environment;
  const schema = schemas();
  const body = async (c: RouteContext): Promise<unknown> => {
    const { headers } = c.env.incoming;
    const isEmpty = headers["content-length"] === "0" || (!headers["content-length"] && !headers["transfer-encoding"]);
    return isEmpty ? {} : readJson(c.env.incoming, tools.settings.bodyBytes);
  };
  const get = (path: string, answer: () => object): EnvironmentRoute => ({
    method: "GET",
    path,
    handler: (c) => c.json(answer()),
  });
  const task = (path: string, answer: (asked: Record<string, unknown>) => object): EnvironmentRoute => ({
    method: "POST",
    path: `/${ENVIRONMENT_NAME}/${path}`,
    handler: async (c) => {
      const asked = await body(c);
      if (!isRecord(asked)) throw invalid("body", "body: an object expected");
      return c.json(answer(asked));
    },
  });
  const about = (split: string, index: number) => ({ split, index, data_source: tasks.sourceOf(split, index) });
  const splitOf = ({ split }: Record<string, unknown>) => {
    if (typeof split !== "string") throw invalid("split", "split: a text expected");
    const { name, order } = environment.split(split, "split");
    return { name, count: order.count };
  };
  return [
    {
      method: "POST",
      path: "/reset",
      handler: async (c) => c.json(await new Episode(environment).reset(await body(c))),
    },
    { method: "POST", path: "/step", handler: (c) => stepRoute(environment, c) },
    get("/state", () => new Episode(environment).state),
    get("/schema", () => schema),
    get("/metadata", () => ({
      name: ENVIRONMENT_NAME,
      description: tasks.description,
      readme_content: null,
      version: packageJson.version,
      author: packageJson.author,
      documentation_url: packageJson.homepage,
    })),
    {
      method: "GET",
      path: "/health",
      handler: (c) => (ready().ready ? c.json({ status: "healthy" }) : c.json({ status: "unhealthy" }, 503)),
    },
    {
      method: "POST",
      path: "/mcp",
      handler: async (c) => c.json(mcpRefusal(await body(c))),
    },
    get("/list_environments", () => [ENVIRONMENT_NAME]),
    get(`/${ENVIRONMENT_NAME}/splits`, () =>
      tasks.splits.map(({ name }) => ({ name, type: name === "train" || name === "test" ? name : "validation" })),
    ),
    task("num_tasks", (asked) => ({ num_tasks: splitOf(asked).count })),
    task("tasks", (asked) => {
      const { name, count } = splitOf(asked);
      return { tasks: range(0, count).map((index) => about(name, index)), env_name: ENVIRONMENT_NAME };
    }),
    task("task", (asked) => {
      const { name, count } = splitOf(asked);
      return { task: about(name, position(asked, "index", count - 1)) };
    }),
    task("task_range", (asked) => {
      const { name, count } = splitOf(asked);
      const start = (asked["start"] ?? null) === null ? 0 : position(asked, "start", count);
      const stop = (asked["stop"] ?? null) === null ? count : position(asked, "stop", count);
      return { tasks: range(start, stop).map((index) => about(name, index)) };
    }),
  ];
}

async function stepRoute(environment: Environment, c: RouteContext): Promise<Response> {
  const { body, signal } = await openRequest(c, environment.tools);
  if (!isRecord(body)) throw invalid("body", "body: an object expected");
  const { action, timeout_s: seconds, request_id: _, ...task } = body;
  if ((task["index"] ?? null) === null)
    throw invalid(
      "index",
      "index: a request has no session, so it names its task: " +
        '{"action": {"response": ".."}, "split": "train", "index": 0}. Sessions are at /ws',
    );
  const episode = new Episode(environment);
  await episode.reset(task);
  return c.json(await episode.step(action, withDeadline(signal, seconds)));
}

/** @throws RefusalError 422 for a time that is not a number of seconds above 0 */
function withDeadline(signal: AbortSignal, seconds: unknown): AbortSignal {
  if (seconds === undefined || seconds === null) return signal;
  if (typeof seconds !== "number" || !(seconds > 0)) throw invalid("timeout_s", "timeout_s: a number above 0 expected");
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(DEADLINE_PASSED), Math.min(seconds * 1000, 2 ** 31 - 1));
  timer.unref();
  return AbortSignal.any([signal, deadline.signal]);
}

/** The answer, as JSON-RPC 2.0, to a client that looks for tools: this environment has no tools. */
function mcpRefusal(request: unknown): object {
  const id = isRecord(request) ? (request["id"] ?? null) : null;
  const method = isRecord(request) ? request["method"] : undefined;
  const error =
    typeof method === "string"
      ? { code: -32_601, message: "this environment has no tools: its only action is the answer, at /ws or /step" }
      : { code: -32_600, message: "method: a text expected" };
  return { jsonrpc: "2.0", id, error };
}

/** @throws RefusalError 400, as OpenEnv's servers answer an index out of range */
function position(asked: Record<string, unknown>, key: string, most: number): number {
  const value = asked[key];
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  throw new RefusalError(
    400,
    "invalid-request",
    `${key}: 0 to ${most} expected, found ${JSON.stringify(value) ?? "nothing"}`,
    { field: key },
  );
}

const range = (start: number, stop: number): number[] =>
  Array.from({ length: Math.max(0, stop - start) }, (_, at) => start + at);
