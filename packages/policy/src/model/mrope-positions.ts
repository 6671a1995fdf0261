/**
 * M-RoPE positions (Qwen2-VL, arXiv 2409.12191 §2.1; numbers as transformers 5.23's `get_rope_index`): text counts on in
 * all three of time, height and width; a picture's tokens take its grid, from the position where it starts; after it, text
 * goes on at start + max(height, width) in merged cells. Frame f of a video is at int(f · tokensPerSecond · secondsPerGrid) in
 * time, computed in float32. (transformers 4.57 differs for videos: it goes on after the largest position.)
 */
import type { Qwen25VlConfig } from "../config/model-config";
import { PromptError } from "../input-error";
import type { PromptInput, VisualInput } from "./tokenized-rollout";
import { checkGrid } from "./vision-layout";

export interface MropePositions {
  /** Time, height and width of each token: [3 · tokens], one axis after another. */
  readonly positions: Int32Array;
  /** The position of the token that follows. */
  readonly next: number;
}

/**
 * @throws PromptError when the placeholders do not match the pictures in number
 * @throws ImageError when a picture's grid cannot be merged
 */
export function mropePositions(prompt: PromptInput, config: Qwen25VlConfig): MropePositions {
  const { promptIds } = prompt;
  const merge = config.vision.spatialMergeSize;
  const count = promptIds.length;
  const positions = new Int32Array(3 * count);
  const sources = [
    { id: config.imageTokenId, kind: "image", input: prompt.images, used: 0 },
    { id: config.videoTokenId, kind: "video", input: prompt.videos, used: 0 },
  ];
  let next = 0;
  for (let i = 0; i < count;) {
    const source = sources.find(({ id }) => id === promptIds[i]);
    if (!source) {
      positions[i] = positions[count + i] = positions[2 * count + i] = next++;
      i++;
      continue;
    }
    const grid = source.input?.gridThw[source.used];
    if (!grid) throw mismatch(promptIds, source, config);
    checkGrid(grid, merge, `${source.kind} ${source.used} of the prompt`);
    const interval =
      source.kind === "video"
        ? Math.fround(config.vision.tokensPerSecond * Math.fround(source.input!.secondsPerGrid?.[source.used] ?? 1))
        : 1;
    source.used++;
    const [time, height, width] = [grid[0], grid[1] / merge, grid[2] / merge];
    const end = i + time * height * width;
    for (let k = 0; i < end; k++, i++) {
      if (promptIds[i] !== source.id) throw mismatch(promptIds, source, config);
      positions[i] = next + Math.trunc(Math.fround(Math.floor(k / (height * width)) * interval));
      positions[count + i] = next + (Math.floor(k / width) % height);
      positions[2 * count + i] = next + (k % width);
    }
    next += Math.max(height, width);
  }
  for (const source of sources)
    if (source.used !== (source.input?.gridThw.length ?? 0)) throw mismatch(promptIds, source, config);
  return { positions, next };
}

function mismatch(
  promptIds: Int32Array,
  source: { id: number; kind: string; input: VisualInput | undefined },
  config: Qwen25VlConfig,
): PromptError {
  const merge = config.vision.spatialMergeSize;
  const tokens = (source.input?.gridThw ?? []).map(([t, h, w]) => (t * h * w) / merge ** 2);
  return new PromptError({
    what: `The ${source.kind} placeholders of a prompt do not match its ${source.kind}s.`,
    where: `token ${source.id} of config.json's ${source.kind}_token_id`,
    expected: `${tokens.reduce((a, b) => a + b, 0)} placeholders, ${tokens.length} ${source.kind}(s) of ${tokens.join(" + ") || "0"} tokens`,
    found: `${promptIds.filter((id) => id === source.id).length} placeholders`,
    fix: "render the prompt with its pictures, one run of placeholders per picture",
  });
}
