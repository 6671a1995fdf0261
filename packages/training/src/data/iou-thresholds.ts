/**
 * The IoU from which a box counts as found, for each sample: the sample's own schedule, else that of its source, else
 * the run's. What an adaptive threshold depends on is part of the run's place in its data, so that a checkpoint holds it
 * and a step that is made again begins with it.
 */
import { ConfigError } from "@v-triune/errors";
import type { Rollout } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import { iouThreshold, type AdaptiveIouState, type IouEpsilon } from "@v-triune/verifiers";
import { EPSILON_RECALL, MEAN_IOU, adaptIou, startAdaptiveIou, type GroupOverlap } from "@v-triune/verifiers/detection";
import type { IouConfig, IouScheduleConfig } from "../config/training-config";

/** What adaptive thresholds know, by source; a source without a judged box answer has no entry. */
export type IouStates = Readonly<Record<string, AdaptiveIouState>>;

/** A point of the run. */
export interface IouPlace {
  readonly step: number;
  readonly steps: number;
  readonly states: IouStates | undefined;
}

const scheduleOf = (iou: IouConfig, source: string): IouScheduleConfig =>
  // A run.json of an earlier version does not have the key.
  iou.bySource && Object.hasOwn(iou.bySource, source) ? iou.bySource[source]! : iou;

/** Whether any threshold depends on the answers. */
export const isAdaptive = (iou: IouConfig): boolean =>
  [iou, ...Object.values(iou.bySource ?? {})].some(({ schedule }) => schedule === "adaptive");

/** @returns the threshold of a sample in a step */
export function iouThresholds(iou: IouConfig, { step, steps, states }: IouPlace): (sample: Sample) => IouEpsilon {
  return ({ data_source: source, reward_model: { verifier_parm: params } }) => {
    if (params.iou_schedule) return iouThreshold(params.iou_schedule, step, steps);
    const config = scheduleOf(iou, source);
    if (config.schedule !== "adaptive") return iouThreshold(config.schedule, step, steps);
    return stateOf(states, source)?.threshold ?? config.start;
  };
}

/** @returns the adaptive state of a source after a step's answers, undefined if it has none */
export const stateOf = (states: IouStates | undefined, source: string): AdaptiveIouState | undefined =>
  states !== undefined && Object.hasOwn(states, source) ? states[source] : undefined;

type Judged = Pick<Rollout, "promptIndex" | "result" | "prompt">;

/**
 * What is known after a step.
 *
 * @param rollouts of the step, by prompt
 * @throws ConfigError if what judges does not say how far boxes overlap
 */
export function observeOverlaps(iou: IouConfig, states: IouStates, rollouts: readonly Judged[]): IouStates {
  const bySource = new Map<string, Map<number, GroupOverlap[]>>();
  for (const { promptIndex, prompt, result } of rollouts) {
    const { data_source: source, reward_model: reward } = prompt.sample;
    const isAdapted = reward.verifier === "detection" && !reward.verifier_parm.iou_schedule;
    if (!isAdapted || scheduleOf(iou, source).schedule !== "adaptive" || result.status !== "scored") continue;
    const { [EPSILON_RECALL]: hits, [MEAN_IOU]: overlap } = result.metrics;
    if (hits === undefined || overlap === undefined) throw noOverlap(source);
    const groups = bySource.get(source) ?? new Map<number, GroupOverlap[]>();
    groups.set(promptIndex, [...(groups.get(promptIndex) ?? []), { hits, iou: overlap }]);
    bySource.set(source, groups);
  }
  const next: Record<string, AdaptiveIouState> = { ...states };
  for (const [source, groups] of bySource) {
    const config = scheduleOf(iou, source);
    if (config.schedule !== "adaptive") continue;
    const means = [...groups.values()].map((group) => ({
      hits: group.reduce((sum, { hits }) => sum + hits, 0) / group.length,
      iou: group.reduce((sum, answer) => sum + answer.iou, 0) / group.length,
    }));
    next[source] = adaptIou(stateOf(states, source) ?? startAdaptiveIou(config), means, config);
  }
  return next;
}

function noOverlap(source: string): ConfigError {
  return new ConfigError({
    what: "What judges the answers does not report how far boxes overlap, which the adaptive IoU threshold follows.",
    where: "reward.iou",
    expected: `the metrics ${MEAN_IOU} and ${EPSILON_RECALL} in each verdict of the detection verifier`,
    found: `a verdict for ${source} without them`,
    fix: "update the reward server, or give reward.iou.schedule as stages",
  });
}
