/** A stored rollout, from a file or from memory, and what the page shows of it and of its group. */
import type { BoxConvention } from "@v-triune/verifiers/detection";
import type { RolloutDetail, RolloutGroup, RolloutSummary } from "../dashboard-api";
import { rewardArithmetic, type SampleReward } from "./reward-arithmetic";
import { rolloutBoxes } from "./rollout-boxes";

export interface StoredRow extends RolloutSummary {
  readonly prompt: string;
  readonly groundTruth: string;
  readonly promptTokens: number;
  readonly strippedTokens: number;
  readonly response: string;
  /** Characters of the response before it was cut for the page. */
  readonly responseLength: number;
  readonly accuracy: number | null;
  readonly format: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** What is in the reward beside accuracy and format. */
  readonly additions: Readonly<Record<string, number>>;
  /** Pictures as the model saw them, in pixels. */
  readonly sizes: readonly PictureSize[];
  /** In which the answer's boxes were read; undefined where the row does not state it. */
  readonly boxConvention: BoxConvention | null | undefined;
  /** Turn by turn; null for an answer of one. */
  readonly conversation: RolloutDetail["conversation"];
}

export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/** What is known beside the rows of a group. */
export interface GroupContext {
  /** Of run.json, unchecked. */
  readonly config: unknown;
  /** undefined where no data set has the sample. */
  readonly sample: SampleReward | undefined;
  /** Where the page finds each picture of the prompt; null for one that cannot be read. */
  readonly pictures: readonly (string | null)[];
  /** The groups before and after it in the step. */
  readonly previous: number | null;
  readonly next: number | null;
}

/** @param rows of one group; at least one */
export function rolloutGroup(
  rows: readonly StoredRow[],
  { config, sample, pictures, previous, next }: GroupContext,
): RolloutGroup {
  const { step, group, source, task, id, prompt, groundTruth, promptTokens, sizes } = rows[0]!;
  return {
    step,
    group,
    source,
    task,
    id,
    prompt,
    groundTruth,
    promptTokens,
    pictures: sizes.map((size, index) => ({ ...size, source: pictures[index] ?? null })),
    previous,
    next,
    rollouts: rows.map((row) => rolloutDetail(row, config, sample, sizes[0])),
  };
}

/** @param size of the prompt's first picture, which boxes are drawn on */
function rolloutDetail(
  row: StoredRow,
  config: unknown,
  sample: SampleReward | undefined,
  size: PictureSize | undefined,
): RolloutDetail {
  const { prompt: _, promptTokens: __, sizes: ___, groundTruth, additions, boxConvention, ...shown } = row;
  // Files of earlier versions do not state the convention, and know two.
  const asBefore = (sample?.relativeBoxes ?? true) ? "resized-pixels" : null;
  const convention = boxConvention === undefined ? asBefore : boxConvention;
  return {
    ...shown,
    boxes: size === undefined ? null : rolloutBoxes(row.response, groundTruth, { ...size, convention }),
    arithmetic: rewardArithmetic({ ...row, additions }, config, sample),
  };
}
