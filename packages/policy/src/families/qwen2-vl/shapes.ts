/** The tensors of a Qwen2-VL, under the names of its checkpoints. */
import { languageModelShapes, ShapeList, type ParameterShape } from "../../weights/parameter-shapes";
import type { Qwen2VlConfig } from "./config";

export function qwen2VlShapes(config: Qwen2VlConfig): ParameterShape[] {
  const { vision } = config;
  const d = vision.hiddenSize;
  const tower = new ShapeList("vision");
  tower.add("visual.patch_embed.proj.weight", [
    d,
    vision.inChannels,
    vision.temporalPatchSize,
    vision.patchSize,
    vision.patchSize,
  ]);
  for (let i = 0; i < vision.depth; i++) {
    const name = `visual.blocks.${i}`;
    tower.layerNorm(`${name}.norm1`, d, i);
    tower.layerNorm(`${name}.norm2`, d, i);
    tower.linear(`${name}.attn.qkv`, 3 * d, d, i);
    tower.linear(`${name}.attn.proj`, d, d, i);
    tower.linear(`${name}.mlp.fc1`, vision.intermediateSize, d, i);
    tower.linear(`${name}.mlp.fc2`, d, vision.intermediateSize, i);
  }
  const merger = new ShapeList("connector");
  const merged = d * vision.spatialMergeSize ** 2;
  merger.layerNorm("visual.merger.ln_q", d);
  merger.linear("visual.merger.mlp.0", merged, merged);
  merger.linear("visual.merger.mlp.2", vision.outHiddenSize, merged);
  return [...tower.shapes, ...merger.shapes, ...languageModelShapes(config, { qkvBias: true })];
}
