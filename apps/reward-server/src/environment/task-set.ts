/**
 * The tasks of an environment. `v-triune serve --openenv` makes them from a corpus; your own object works as well:
 *
 *     await startRewardServer({ port: 0 }, undefined, { tasks: myTasks });
 */
import { VTriuneError } from "@v-triune/errors";
import type { RewardRequest } from "@v-triune/rewards";

/** A part of a message: a text, or a picture as a data URI. */
export type TaskPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

/** A message as chat APIs take it. One without pictures may be a plain text. */
export interface TaskMessage {
  readonly role: string;
  readonly content: string | readonly TaskPart[];
}

/** One question. */
export interface EnvironmentTask {
  /** Its name in its data set, if it has one. */
  readonly id: string | null;
  readonly dataSource: string;
  readonly messages: readonly TaskMessage[];
  /** How its answer is rewarded. Clients never see it. */
  readonly reward: Omit<RewardRequest, "response">;
}

/** Tasks that belong together, for example those for training. */
export interface TaskSplit {
  readonly name: string;
  /** Number of tasks; at least 1. */
  readonly count: number;
}

/** Where tasks come from. */
export interface TaskSet {
  /** What a person may want to know of it, in one sentence. */
  readonly description: string;
  /** At least one; the first is used when a client names none. */
  readonly splits: readonly TaskSplit[];
  /** The data set that a task is of. Called with numbers in range. */
  sourceOf(split: string, index: number): string;
  /** Reads a task. Called with numbers in range. @throws TaskError for one that cannot be used */
  read(split: string, index: number): Promise<EnvironmentTask>;
}

/** A task that cannot be used, for example a row without its picture. */
export class TaskError extends VTriuneError {
  override readonly name = "TaskError";

  /** @param what one line, for replies */
  constructor(what: string) {
    super({ what }, what);
  }
}
