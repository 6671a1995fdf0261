/** The tensors of a Qwen2.5-VL, under the names of its checkpoints. */
import { languageModelShapes, ShapeList, type ParameterShape } from "../../weights/parameter-shapes";
import type { Qwen25VlConfig } from "./config";

export function qwen25VlShapes(config: Qwen25VlConfig): ParameterShape[] {
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
    tower.add(`${name}.norm1.weight`, [d], i);
    tower.add(`${name}.norm2.weight`, [d], i);
    tower.linear(`${name}.attn.qkv`, 3 * d, d, i);
    tower.linear(`${name}.attn.proj`, d, d, i);
    tower.linear(`${name}.mlp.gate_proj`, vision.intermediateSize, d, i);
    tower.linear(`${name}.mlp.up_proj`, vision.intermediateSize, d, i);
    tower.linear(`${name}.mlp.down_proj`, d, vision.intermediateSize, i);
  }
  const merger = new ShapeList("connector");
  const merged = d * vision.spatialMergeSize ** 2;
  merger.add("visual.merger.ln_q.weight", [d]);
  merger.linear("visual.merger.mlp.0", merged, merged);
  merger.linear("visual.merger.mlp.2", vision.outHiddenSize, merged);
  return [...tower.shapes, ...merger.shapes, ...languageModelShapes(config, { qkvBias: true })];
}
