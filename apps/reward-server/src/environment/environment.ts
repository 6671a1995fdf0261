import type { RewardRequest } from "@v-triune/rewards";
import { RefusalError } from "../http/refusal-error";
import type { RouteTools } from "../routes/route";
import { ServerConfigError } from "../settings";
import { invalid } from "./contract";
import { TaskError, type EnvironmentTask, type TaskSet } from "./task-set";
import { TaskOrder } from "./task-order";

/** Tasks to serve, and how. */
export interface EnvironmentOptions {
  /** Or a function that makes them when the server knows the names of its verifiers. */
  readonly tasks: TaskSet | ((verifiers: readonly string[]) => Promise<TaskSet>);
  /** Sessions over WebSocket at once; beyond it a client is told to come later. Default 1024. */
  readonly maxSessions?: number;
  /** Of the order of tasks. Default 1. */
  readonly seed?: number;
}

/** Its name in paths and replies. */
export const ENVIRONMENT_NAME = "v-triune";

/** Tasks that cannot be used are passed over, but not without end. */
const MOST_IN_A_ROW = 100;
const DEFAULT_SESSIONS = 1024;

/**
 * Makes the environment of a server.
 *
 * @throws ServerConfigError for settings that have no environment, or splits without a task; what making the tasks
 * throws
 */
export async function openEnvironment(options: EnvironmentOptions, tools: RouteTools): Promise<Environment> {
  const refused = (what: string, expected: string, found: string) =>
    new ServerConfigError({ what, where: "--openenv on the command line", expected, found });
  const { maxSessions = DEFAULT_SESSIONS } = options;
  if (tools.settings.compat === "original")
    throw refused("An environment has no original server to follow.", "--compat none", "--compat original");
  if (!Number.isSafeInteger(maxSessions) || maxSessions < 1)
    throw refused("The number of sessions cannot be used.", "a whole number of at least 1", String(maxSessions));
  const tasks = typeof options.tasks === "function" ? await options.tasks(tools.source.names) : options.tasks;
  if (tasks.splits.length === 0 || tasks.splits.some(({ count }) => count < 1))
    throw refused("The environment has no tasks.", "at least one task in each split", "none");
  return new Environment(options, tasks, tools);
}

/** A task and where it is. */
export interface FoundTask {
  readonly split: string;
  readonly index: number;
  readonly task: EnvironmentTask;
}

/** What all sessions share. */
export class Environment {
  readonly maxSessions: number;
  readonly #orders: ReadonlyMap<string, TaskOrder>;

  constructor(
    { maxSessions = DEFAULT_SESSIONS, seed = 1 }: Omit<EnvironmentOptions, "tasks">,
    readonly tasks: TaskSet,
    readonly tools: RouteTools,
  ) {
    this.maxSessions = maxSessions;
    this.#orders = new Map(tasks.splits.map(({ name, count }) => [name, new TaskOrder(count, seed)]));
  }

  /** @throws RefusalError 422 for an unknown split */
  split(name: string | null | undefined, field: string): { readonly name: string; readonly order: TaskOrder } {
    const found = name ?? (this.tasks.splits[0]?.name as string);
    const order = this.#orders.get(found);
    if (order !== undefined) return { name: found, order };
    const known = [...this.#orders.keys()].join(", ");
    throw invalid(field, `${field}: one of ${known} expected, found ${JSON.stringify(found.slice(0, 100))}`);
  }

  /**
   * The task that a client names; else the one of its seed; else the next one of the common order.
   *
   * @throws RefusalError 422 for an index out of range or a named task that cannot be used, 500 if none can be used
   */
  async find(asked: {
    readonly split?: string | null;
    readonly index?: number | null;
    readonly seed?: number | null;
  }): Promise<FoundTask> {
    const { name: split, order } = this.split(asked.split, "reset.split");
    const { index, seed } = asked;
    if (index !== null && index !== undefined) {
      if (index >= order.count)
        throw invalid("reset.index", `reset.index: 0 to ${order.count - 1} expected in ${split}, found ${index}`);
      const task = await this.#read(split, index);
      if (task instanceof TaskError) throw invalid("reset.index", `reset.index: ${task.message}`);
      return { split, index, task };
    }
    const seeded = seed === null || seed === undefined ? undefined : order.ofSeed(seed);
    let fault = "";
    for (let tries = 0; tries < MOST_IN_A_ROW; tries++) {
      const drawn = seeded?.next().value ?? order.next();
      const task = await this.#read(split, drawn);
      if (!(task instanceof TaskError)) return { split, index: drawn, task };
      fault = task.message;
      this.tools.warn("reset", [`a task is passed over: ${fault}`]);
    }
    throw new RefusalError(
      500,
      "no-usable-task",
      `${MOST_IN_A_ROW} tasks of ${split} in a row cannot be used; the last: ${fault}`,
    );
  }

  /** The request for the reward of an answer. */
  request(task: EnvironmentTask, response: string, params: Readonly<Record<string, unknown>>): RewardRequest {
    const { sample } = task.reward;
    return { ...task.reward, response, sample: { ...sample, params: { ...sample.params, ...params } } };
  }

  async #read(split: string, index: number): Promise<EnvironmentTask | TaskError> {
    try {
      const task = await this.tasks.read(split, index);
      const fields = { verifier: "verifier", params: "params", accuracyRatio: "accuracy_ratio" };
      this.tools.source.check(this.request(task, "", {}), fields);
      return task;
    } catch (error) {
      if (error instanceof TaskError) return error;
      if (error instanceof RefusalError) return new TaskError(`task ${index} of ${split}: ${error.message}`);
      throw error;
    }
  }
}
