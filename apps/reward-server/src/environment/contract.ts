/**
 * What clients of an OpenEnv environment send and get (PyPI `openenv` 0.10: core/env_server/types.py). The schemas are
 * what `/schema` publishes.
 */
import { ArkErrors, type Type, type } from "arktype";
import { describeValue, nearest } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { Content } from "../contract/content";
import { RefusalError } from "../http/refusal-error";

const Json = type({ "[string]": "unknown" });
const WholeNumber = type("number.integer >= 0").describe("a whole number of at least 0");

/** How far training is, for a threshold that depends on it; and what else the client knows about how to judge. */
const JUDGING = {
  "step?": WholeNumber.or("null"),
  "total_steps?": type("number.integer > 0").describe("a whole number above 0").or("null"),
  "is_training?": "boolean | null",
  "epsilon?": type("'average' | 'dynamic' | 0 < number <= 1")
    .describe('"average", "dynamic" or a number in (0, 1]')
    .or("null"),
  "params?": Json.or("null"),
} as const;

/** Which task, and how it is judged. */
const TASK = { "split?": "string | null", "index?": WholeNumber.or("null"), ...JUDGING } as const;

/** Parameters of reset. */
export const ResetParameters = type({
  "seed?": WholeNumber.or("null"),
  "episode_id?": type("string <= 255").describe("a text of at most 255 characters").or("null"),
  ...TASK,
});
export type ResetParameters = typeof ResetParameters.infer;

/** What an agent does: it answers. */
export const AnswerAction = type({
  response: Content,
  "metadata?": Json,
  "params?": Json.or("null"),
  "+": "reject",
});
/** {@link AnswerAction}, its response not yet read. */
export interface AnswerAction {
  readonly response: unknown;
  readonly params?: Readonly<Record<string, unknown>> | null;
}

const Metadata = type({
  episode_id: "string | null",
  split: "string",
  index: WholeNumber,
  task_id: "string | null",
  data_source: "string",
  verifier: "string",
  "status?": "'scored' | 'skipped' | 'error'",
  "accuracy?": "number",
  "format?": "number",
  "metrics?": type({ "[string]": "number" }),
  "reason?": "string",
  "code?": "string",
  "warnings?": "string[]",
});

/** What an agent sees: the messages of its task; after its answer none, and the verdict in the metadata. */
export const TaskObservation = type({
  done: "boolean",
  reward: "number | null",
  messages: type({ role: "string", content: type("string").or(Json.array()) }).array(),
  metadata: Metadata,
});

/** An observation on the wire: reward and done beside it, and its metadata a second time for generic clients. */
const WireObservation = type({
  observation: TaskObservation.omit("done", "reward"),
  reward: "number | null",
  done: "boolean",
  metadata: Metadata,
});

/** The body of `POST /step`. */
const StepBody = type({
  action: AnswerAction,
  "timeout_s?": "number > 0 | null",
  "request_id?": "string | null",
  ...TASK,
});

/** The state of an episode. */
export const EpisodeState = type({
  episode_id: "string | null",
  step_count: WholeNumber,
  done: "boolean",
  split: "string | null",
  index: WholeNumber.or("null"),
});
export type EpisodeState = typeof EpisodeState.infer;

/** An observation as it is sent: what typed clients read from `observation`, generic ones also find beside it. */
export interface ObservationReply {
  readonly observation: Readonly<Record<string, unknown>>;
  readonly reward: number | null;
  readonly done: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A value that breaks the contract, and where: HTTP 422, over the WebSocket VALIDATION_ERROR. */
export function invalid(field: string, message: string): RefusalError {
  return new RefusalError(422, "invalid-request", message, { field });
}

const RESET_KEYS = [
  "seed",
  "episode_id",
  "split",
  "index",
  "step",
  "total_steps",
  "is_training",
  "epsilon",
  "params",
] as const;
const ACTION_KEYS: readonly string[] = ["response", "metadata", "params"];

/**
 * Parameters of reset. OpenEnv's own servers drop what they do not know; here it is named.
 *
 * @throws RefusalError 422 with the field
 */
export function readReset(data: unknown): { readonly parameters: ResetParameters; readonly warnings: string[] } {
  const parameters = checked(ResetParameters, data ?? {}, "reset");
  const unknown = Object.keys(parameters).filter((key) => !(RESET_KEYS as readonly string[]).includes(key));
  return {
    parameters,
    warnings: unknown.map((key) => `${key.slice(0, 100)} is not known and ignored; known: ${RESET_KEYS.join(", ")}`),
  };
}

/** An action. @throws RefusalError 422 with the field */
export function readAction(data: unknown): AnswerAction {
  const record = checked(Json, data, "action");
  const unknown = Object.keys(record).find((key) => !ACTION_KEYS.includes(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, ACTION_KEYS) ?? "response";
    throw invalid(
      `action.${unknown.slice(0, 100)}`,
      `action.${unknown.slice(0, 100)}: not a field of an action; did you mean ${meant}? An action is ` +
        '{"response": "the answer"}',
    );
  }
  if (!("response" in record))
    throw invalid("action.response", 'action.response: missing; an action is {"response": "the answer"}');
  const { response, ...others } = record;
  checked(AnswerAction, { response: "", ...others }, "action");
  return { response, ...others };
}

function checked<Schema extends Type>(schema: Schema, data: unknown, name: string): Schema["infer"] {
  if (!isRecord(data)) throw invalid(name, `${name}: an object expected, found ${describeValue(data)}`);
  const found: unknown = schema(data);
  if (!(found instanceof ArkErrors)) return found as Schema["infer"];
  const [first] = found;
  const field = [name, ...(first?.path ?? [])].map(String).join(".");
  throw invalid(field, `${field}: ${first?.expected} expected, found ${first?.actual}`);
}

/** The body of `GET /schema`. */
export function schemas(): object {
  return {
    action: jsonSchema(AnswerAction),
    observation: jsonSchema(TaskObservation),
    state: jsonSchema(EpisodeState),
  };
}

/** What `/openapi.json` says of an environment. `/ws` is no path of OpenAPI. */
export function environmentPaths(): Readonly<Record<string, object>> {
  const json = (schema: Type) => ({ "application/json": { schema: jsonSchema(schema) } });
  const get = (summary: string, content: object = {}) => ({
    get: { summary, responses: { 200: { description: "Yes", content } } },
  });
  const post = (summary: string, body: Type, answer: Type) => ({
    post: {
      summary,
      requestBody: { content: json(body) },
      responses: {
        200: { description: "Done", content: json(answer) },
        422: { description: "The body breaks the contract; `field` says where" },
      },
    },
  });
  return {
    "/reset": post("A task of the environment", ResetParameters, WireObservation),
    "/step": post("Judge an answer to a task that is named", StepBody, WireObservation),
    "/state": get("The state of a new episode; sessions are at /ws", json(EpisodeState)),
    "/schema": get("Schemas of actions, observations and states"),
    "/metadata": get("What the environment is"),
    "/health": {
      get: { summary: "Whether tasks are served", security: [], responses: { 200: { description: "Yes" } } },
    },
  };
}

function jsonSchema(schema: Type): object {
  const { $schema: _, ...found } = schema.toJsonSchema() as Record<string, unknown>;
  return found;
}
