/** Lets IoU thresholds follow the answers of a run: they are part of its place in the data. */
import { ConfigError, nearest } from "@v-triune/errors";
import type { IouConfig } from "../config/training-config";
import { type IouStates, isAdaptive, observeOverlaps } from "./iou-thresholds";
import type { TrainingData } from "./run-data";

/**
 * The data of a run whose IoU threshold is adaptive: its place includes what the thresholds depend on.
 *
 * @returns `data` itself where none is adaptive
 * @throws ConfigError for the schedule of a source that the data do not have
 */
export function withIouThresholds(data: TrainingData, iou: IouConfig): TrainingData {
  for (const name of Object.keys(iou.bySource ?? {})) if (!data.sources.includes(name)) throw noSource(name, data);
  if (!isAdaptive(iou)) return data;
  let states: IouStates = {};
  return {
    length: data.length,
    sources: data.sources,
    get place() {
      return { ...data.place, iou: states };
    },
    set place({ iou: known = {}, ...place }) {
      data.place = place;
      states = known;
    },
    next: (count) => data.next(count),
    observe(rollouts) {
      states = observeOverlaps(iou, states, rollouts);
      return data.observe(rollouts);
    },
    close: () => data.close(),
  };
}

function noSource(name: string, { sources }: Pick<TrainingData, "sources">): ConfigError {
  const meant = nearest(name, sources);
  return new ConfigError({
    what: "An IoU schedule is for a source that the training data do not have.",
    where: `reward.iou.bySource.${name}`,
    expected: `one of ${sources.join(", ")}`,
    found: name,
    fix: meant === null ? "name a source as data_source has it" : `write ${meant}`,
  });
}
