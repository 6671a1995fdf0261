/** The tensors of a Qwen3-VL, without the prefixes of its checkpoints (../../weights/tensor-names). */
import { languageModelShapes, ShapeList, type ParameterShape } from "../../weights/parameter-shapes";
import type { Qwen3VlConfig } from "./config";

export function qwen3VlShapes(config: Qwen3VlConfig): ParameterShape[] {
  const { text, vision } = config;
  const d = vision.hiddenSize;
  const tower = new ShapeList("vision");
  tower.add("visual.patch_embed.proj.weight", [
    d,
    vision.inChannels,
    vision.temporalPatchSize,
    vision.patchSize,
    vision.patchSize,
  ]);
  tower.add("visual.patch_embed.proj.bias", [d]);
  tower.add("visual.pos_embed.weight", [vision.positionTableSide ** 2, d]);
  for (let i = 0; i < vision.depth; i++) {
    const name = `visual.blocks.${i}`;
    tower.layerNorm(`${name}.norm1`, d, i);
    tower.layerNorm(`${name}.norm2`, d, i);
    tower.linear(`${name}.attn.qkv`, 3 * d, d, i);
    tower.linear(`${name}.attn.proj`, d, d, i);
    tower.linear(`${name}.mlp.linear_fc1`, vision.intermediateSize, d, i);
    tower.linear(`${name}.mlp.linear_fc2`, d, vision.intermediateSize, i);
  }
  const mergers = new ShapeList("connector");
  const merged = d * vision.spatialMergeSize ** 2;
  const merger = (name: string, normWidth: number): void => {
    mergers.layerNorm(`${name}.norm`, normWidth);
    mergers.linear(`${name}.linear_fc1`, merged, merged);
    mergers.linear(`${name}.linear_fc2`, vision.outHiddenSize, merged);
  };
  merger("visual.merger", d);
  vision.deepstackBlocks.forEach((_, k) => merger(`visual.deepstack_merger_list.${k}`, merged));
  const bias = text.attentionBias ?? false;
  return [
    ...tower.shapes,
    ...mergers.shapes,
    ...languageModelShapes(config, { qkvBias: bias, outputBias: bias, queryKeyNorm: true }),
  ];
}
