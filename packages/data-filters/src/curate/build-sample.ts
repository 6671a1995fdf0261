/** Makes a sample of the corpus from a row that passed the rules. */
import {
  abilityOf,
  boxedGroundTruth,
  detectionGroundTruth,
  detectionVerifierParm,
  emptyVerifierParm,
  formatBoxes,
  type GoldBox,
  type PromptMessage,
  type Sample,
  type SourceInfo,
  type VerifierParm,
} from "@v-triune/schema";
import type { PixelBox } from "../adapters/source-adapter";
import { readPictureBytes, type PictureReference } from "../pictures/picture-reference";
import { boxPrompt, questionPrompt } from "./prompts";

/** A row of the run's database, as far as its sample needs it. */
export interface KeptRow {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly pictures: readonly PictureReference[];
  /** The prompt as its owner wrote it, or null. */
  readonly turns: readonly PromptMessage[] | null;
  readonly boxes: readonly PixelBox[] | null;
  readonly width: number | null;
  readonly height: number | null;
  /** Names of the rules that tagged it; absent if the run has none that does. */
  readonly tags?: readonly string[];
}

/**
 * Builds the sample. Its pictures are read now.
 *
 * @param seed draws the wording of a box prompt, together with the row's id
 */
export function buildSample(row: KeptRow, info: SourceInfo, seed: number): Sample {
  const boxes = info.verifier === "detection" ? relativeBoxes(row.boxes ?? [], row.width ?? 0, row.height ?? 0) : null;
  const labels = boxes === null ? [] : [...new Set(boxes.map((box) => box.label))].sort();
  const content =
    boxes === null
      ? questionPrompt(row.question, row.pictures.length)
      : boxPrompt(info.task === "grounding" ? "grounding" : "detection", labels, `${seed}/${info.key}/${row.id}`);
  return {
    data_source: info.dataSource,
    images: row.pictures.map((picture) => ({ bytes: readPictureBytes(picture), path: picture.name })),
    prompt: row.turns?.map((turn) => ({ ...turn })) ?? [{ content, role: "user" }],
    ability: abilityOf(info.task),
    reward_model: {
      answer: boxes === null ? row.answer : formatBoxes(boxes),
      ground_truth: boxes === null ? boxedGroundTruth(row.answer) : detectionGroundTruth(boxes),
      accuracy_ratio: info.accuracyRatio,
      format_ratio: info.formatRatio,
      verifier: info.verifier,
      verifier_parm: boxes === null ? answerParm(info) : detectionVerifierParm(),
    },
    extra_info: {
      id: row.id,
      image_path: row.pictures[0]?.name ?? null,
      ...(row.tags === undefined ? {} : { tags: [...row.tags] }),
    },
  };
}

const answerParm = ({ answerType }: SourceInfo): VerifierParm =>
  answerType === undefined ? emptyVerifierParm() : { ...emptyVerifierParm(), type: answerType };

/** Pixels → whole numbers 0..1000 of the picture, truncated as the original does, clipped to the picture. */
export function relativeBoxes(boxes: readonly PixelBox[], width: number, height: number): GoldBox[] {
  const scale = (value: number, side: number): number => Math.min(1000, Math.max(0, Math.trunc((value * 1000) / side)));
  return boxes.map((box) => ({
    bbox_2d: [scale(box.x1, width), scale(box.y1, height), scale(box.x2, width), scale(box.y2, height)],
    label: box.label,
  }));
}
