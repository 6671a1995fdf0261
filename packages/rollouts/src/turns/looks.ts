/**
 * Where a conversation looked: the part of a prompt's picture that each call cut out, compared with where the sample
 * says the answer is. Judge-free: gold boxes are those of the corpus.
 */
import type { Sample } from "@v-triune/schema";
import { answeredBoxes } from "@v-triune/verifiers/detection";
import type { Conversation } from "./conversation";

/** [x1, y1, x2, y2] in thousandths of the picture. */
export type Region = readonly [number, number, number, number];

export interface LookQuality {
  /** Largest IoU of a crop with a gold box; that of an early call counts as much as that of a late one. */
  readonly iou: number;
  /** Largest share of a gold box that a crop contains. */
  readonly containment: number;
}

/**
 * Where the answer is, in thousandths of the first picture: `verifier_parm.look_at`, or the gold boxes of a sample for
 * detection.
 *
 * @returns undefined if the sample does not say
 */
export function goldRegions({ reward_model: reward }: Pick<Sample, "reward_model">): readonly Region[] | undefined {
  const stated = statedRegions({ reward_model: reward });
  if (stated) return stated;
  if (reward.verifier !== "detection") return undefined;
  const { boxes, gold_boxes: gold } = reward.verifier_parm as { readonly boxes?: string; readonly gold_boxes?: string };
  // Gold boxes in pixels would need the picture's size.
  if ((gold ?? boxes ?? "thousandths") !== "thousandths") return undefined;
  const found = answeredBoxes(reward.ground_truth, "thousandths");
  return found.length === 0 ? undefined : found.map(({ bbox }) => bbox);
}

/** `verifier_parm.look_at` of a sample; undefined if it has none. */
export function statedRegions({ reward_model: reward }: Pick<Sample, "reward_model">): readonly Region[] | undefined {
  const stated: unknown = reward.verifier_parm.look_at;
  return Array.isArray(stated) && stated.length > 0 && stated.every(isRegion) ? stated : undefined;
}

/** @returns undefined if no call cut anything out of the first picture, or the sample has no gold region */
export function lookQuality(
  conversation: Conversation,
  sample: Pick<Sample, "reward_model" | "images">,
): LookQuality | undefined {
  const gold = goldRegions(sample);
  const looks = lookedRegions(conversation, sample.images.length).filter(({ picture }) => picture === 0);
  if (!gold || looks.length === 0) return undefined;
  let [iou, containment] = [0, 0];
  for (const { region } of looks)
    for (const box of gold) {
      const shared = area([
        Math.max(region[0], box[0]),
        Math.max(region[1], box[1]),
        Math.min(region[2], box[2]),
        Math.min(region[3], box[3]),
      ]);
      iou = Math.max(iou, shared / Math.max(1e-9, area(region) + area(box) - shared));
      containment = Math.max(containment, shared / Math.max(1e-9, area(box)));
    }
  return { iou, containment };
}

interface Look {
  /** Of the prompt. */
  readonly picture: number;
  readonly region: Region;
}

/** What each call cut out, as a part of the prompt's picture, also where it was cut out of a crop. */
export function lookedRegions({ turns }: Conversation, promptPictures: number): Look[] {
  const whole: (Look | undefined)[] = Array.from({ length: promptPictures }, (_, picture) => ({
    picture,
    region: [0, 0, 1000, 1000],
  }));
  const looks: Look[] = [];
  for (const { calls } of turns)
    for (const { lookedAt, pictures } of calls) {
      const parent = lookedAt && whole[lookedAt.picture];
      const look = parent && { picture: parent.picture, region: partOf(parent.region, lookedAt.box) };
      if (look) looks.push(look);
      for (const _ of pictures) whole.push(look);
    }
  return looks;
}

function partOf([x1, y1, x2, y2]: Region, [a, b, c, d]: Region): Region {
  const x = (value: number): number => x1 + (value / 1000) * (x2 - x1);
  const y = (value: number): number => y1 + (value / 1000) * (y2 - y1);
  return [x(a), y(b), x(c), y(d)];
}

function isRegion(value: unknown): value is Region {
  return Array.isArray(value) && value.length === 4 && value.every((number) => Number.isFinite(number));
}

const area = ([x1, y1, x2, y2]: Region): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
