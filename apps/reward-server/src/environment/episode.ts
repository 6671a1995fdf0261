import { randomUUID } from "node:crypto";
import { isRecord } from "@v-triune/node-kit/is-record";
import { ContentError, responseText, type RewardOutcome } from "@v-triune/rewards";
import { RefusalError } from "../http/refusal-error";
import { reportLeftOut } from "../routes/readable-samples";
import { contentOptions } from "../routes/route";
import { invalid, readAction, readReset, type EpisodeState, type ObservationReply } from "./contract";
import type { Environment, FoundTask } from "./environment";

/** A code of {@link RefusalError} for a step that has no task to answer. */
export const NO_TASK = "no-task";

/**
 * One session of the environment. An episode is one question and one answer: reset gives the question, step judges the
 * answer and ends the episode.
 */
export class Episode {
  #found: FoundTask | undefined;
  #id: string | null = null;
  #judging: Readonly<Record<string, unknown>> = {};
  #steps = 0;

  constructor(readonly environment: Environment) {}

  get state(): EpisodeState {
    return {
      episode_id: this.#id,
      step_count: this.#steps,
      done: this.#steps > 0,
      split: this.#found?.split ?? null,
      index: this.#found?.index ?? null,
    };
  }

  /**
   * Begins an episode.
   *
   * @param data the parameters as they came
   * @throws RefusalError
   */
  async reset(data: unknown): Promise<ObservationReply> {
    const { parameters, warnings } = readReset(data);
    const found = await this.environment.find(parameters);
    this.environment.tools.warn("reset", warnings);
    const { step, total_steps: totalSteps, is_training: isTraining, epsilon, params } = parameters;
    this.#found = found;
    this.#id = parameters.episode_id ?? randomUUID();
    this.#judging = {
      ...params,
      ...stated({ step, total_steps: totalSteps, is_training: isTraining, epsilon }),
    };
    this.#steps = 0;
    const metadata = { ...this.#about(found), ...(warnings.length > 0 && { warnings }) };
    return reply(found.task.messages, metadata, null, false);
  }

  /**
   * Judges an answer. What a verdict says is in the metadata; the reward of one that is not scored is null, never a 0.
   *
   * @param data the action as it came
   * @throws RefusalError 422 for a wrong action or if there is no task to answer; 503 when the queue is full
   */
  async step(data: unknown, signal: AbortSignal): Promise<ObservationReply> {
    const found = this.#found;
    if (found === undefined) throw new RefusalError(422, NO_TASK, "there is no task yet: reset first");
    if (this.#steps > 0)
      throw new RefusalError(422, NO_TASK, "the episode is over, it has one answer: reset for the next task");
    const { response, params } = readAction(data);
    const { source } = this.environment.tools;
    const request = this.environment.request(found.task, this.#text(response), { ...this.#judging, ...params });
    source.check(request, { verifier: "verifier", params: "params", accuracyRatio: "accuracy_ratio" });
    const outcome = await source.one(request, signal);
    reportLeftOut(this.environment.tools, "step", [outcome]);
    this.#steps = 1;
    const reward = outcome.status === "scored" ? outcome.reward : null;
    return reply([], { ...this.#about(found), ...verdictOf(outcome) }, reward, true);
  }

  /** Clients that parse replies as JSON, such as `verifiers`, send a number or a list of boxes for such a text. */
  #text(response: unknown): string {
    const isParsed = typeof response === "number" || (Array.isArray(response) && response.every(isBox));
    if (isParsed) return JSON.stringify(response);
    try {
      return responseText(response, "action.response", contentOptions(this.environment.tools));
    } catch (error) {
      throw error instanceof ContentError ? invalid(error.where, error.message) : error;
    }
  }

  #about({ split, index, task }: FoundTask): Record<string, unknown> {
    return {
      episode_id: this.#id,
      split,
      index,
      task_id: task.id,
      data_source: task.dataSource,
      verifier: task.reward.verifier,
    };
  }
}

const isBox = (value: unknown): boolean =>
  isRecord(value) && ("bbox_2d" in value || "box_2d" in value || "point_2d" in value);

function verdictOf(outcome: RewardOutcome): Readonly<Record<string, unknown>> {
  if (outcome.status !== "scored") return outcome;
  const { reward: _, ...parts } = outcome;
  return parts;
}

function reply(
  messages: readonly unknown[],
  metadata: Readonly<Record<string, unknown>>,
  reward: number | null,
  done: boolean,
): ObservationReply {
  return { observation: { messages, metadata }, reward, done, metadata };
}

const stated = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));
