/**
 * M-RoPE positions (Qwen2-VL, arXiv 2409.12191 §2.1; numbers as transformers 5.23's `get_rope_index`): text counts on
 * in all three of time, height and width; a picture's tokens take its grid, from the position where it starts; after
 * it, text goes on at start + max(height, width) in merged cells. A video's frames count in time as its family says;
 * where every frame has placeholders of its own, each is a picture. (transformers 4.57 differs for videos: it goes on
 * after the largest position.)
 */
import type { VlmConfig } from "../config/model-config";
import { familyOf } from "../families/model-families";
import { PromptError } from "../input-error";
import { checkGrid } from "../vision/patch-layout";
import type { GridThw } from "../image-processor/image-processor";
import type { VisualInput } from "../vision/visual-input";
import type { PromptInput } from "./tokenized-rollout";

export interface MropePositions {
  /** Time, height and width of each token: [3 · tokens], one axis after another. */
  readonly positions: Int32Array;
  /** The position of the token that follows. */
  readonly next: number;
}

/** Pictures or videos of a prompt, in the order of their placeholders. */
interface VisualSource {
  readonly id: number;
  readonly kind: "image" | "video";
  readonly runs: readonly VisualRun[];
  used: number;
}

/** One run of placeholders. */
interface VisualRun {
  readonly grid: GridThw;
  /** Where a frame stands in time, from the start of the run. */
  readonly time: (frame: number) => number;
}

/**
 * @param start the position of the first token. Default 0.
 * @throws PromptError when the placeholders do not match the pictures in number
 * @throws ImageError when a picture's grid cannot be merged
 */
export function mropePositions(prompt: PromptInput, config: VlmConfig, start = 0): MropePositions {
  const { promptIds } = prompt;
  const merge = config.vision.spatialMergeSize;
  const count = promptIds.length;
  const positions = new Int32Array(3 * count);
  const sources: VisualSource[] = [
    { id: config.imageTokenId, kind: "image", runs: pictureRuns(prompt.images), used: 0 },
    { id: config.videoTokenId, kind: "video", runs: videoRuns(prompt.videos, config), used: 0 },
  ];
  let next = start;
  for (let i = 0; i < count;) {
    const source = sources.find(({ id }) => id === promptIds[i]);
    if (!source) {
      positions[i] = positions[count + i] = positions[2 * count + i] = next++;
      i++;
      continue;
    }
    const run = source.runs[source.used];
    if (!run) throw mismatch(promptIds, source, merge);
    checkGrid(run.grid, merge, `${source.kind} ${source.used} of the prompt`);
    source.used++;
    const [time, height, width] = [run.grid[0], run.grid[1] / merge, run.grid[2] / merge];
    const end = i + time * height * width;
    for (let k = 0; i < end; k++, i++) {
      if (promptIds[i] !== source.id) throw mismatch(promptIds, source, merge);
      positions[i] = next + run.time(Math.floor(k / (height * width)));
      positions[count + i] = next + (Math.floor(k / width) % height);
      positions[2 * count + i] = next + (k % width);
    }
    next += Math.max(height, width);
  }
  for (const source of sources) if (source.used !== source.runs.length) throw mismatch(promptIds, source, merge);
  return { positions, next };
}

function pictureRuns(images: VisualInput | undefined): VisualRun[] {
  return (images?.gridThw ?? []).map((grid) => ({ grid, time: (frame) => frame }));
}

function videoRuns(videos: VisualInput | undefined, config: VlmConfig): VisualRun[] {
  if (!videos) return [];
  const { video } = familyOf(config);
  return videos.gridThw.flatMap((grid, index): VisualRun[] => {
    if (video.frames === "apart") {
      const [frames, height, width] = grid;
      return Array.from({ length: frames }, () => ({ grid: [1, height, width], time: () => 0 }));
    }
    const seconds = videos.secondsPerGrid?.[index] ?? 1;
    return [{ grid, time: (frame) => video.time(frame, seconds, config) }];
  });
}

function mismatch(promptIds: Int32Array, { id, kind, runs }: VisualSource, merge: number): PromptError {
  const tokens = runs.map(({ grid: [t, h, w] }) => (t * h * w) / merge ** 2);
  return new PromptError({
    what: `The ${kind} placeholders of a prompt do not match its ${kind}s.`,
    where: `token ${id} of config.json's ${kind}_token_id`,
    expected:
      `${tokens.reduce((a, b) => a + b, 0)} placeholders, ${tokens.length} ${kind}(s) of ` +
      `${tokens.join(" + ") || "0"} tokens`,
    found: `${promptIds.filter((token) => token === id).length} placeholders`,
    fix: "render the prompt with its pictures, one run of placeholders per picture",
  });
}
