/** AdamW's moments as tensors: m.NAME and v.NAME, and vMax.NAME under amsgrad. */
import type { MomentState } from "@v-triune/grpo";
import type { SafetensorsEntry } from "@v-triune/policy";

export const MOMENTS_FILE = "optimizer.safetensors";

export function momentEntries(moments: Readonly<Record<string, MomentState>>): SafetensorsEntry[] {
  return Object.entries(moments).flatMap(([name, { shape, m, v, vMax }]) => [
    { name: `m.${name}`, shape, data: m },
    { name: `v.${name}`, shape, data: v },
    ...(vMax ? [{ name: `vMax.${name}`, shape, data: vMax }] : []),
  ]);
}
