/** AdamW's moments on disk: `optimizer.safetensors` with m.NAME and v.NAME, and vMax.NAME under amsgrad. */
import { join } from "node:path";
import type { AdamWState, MomentState } from "@v-triune/grpo";
import { type SafetensorsEntry, openSafetensors, writeSafetensors } from "@v-triune/policy";

export const MOMENTS_FILE = "optimizer.safetensors";

/** @throws WeightsError when the disk is full or not writable */
export async function writeMoments(folder: string, { moments }: AdamWState): Promise<void> {
  await writeSafetensors(join(folder, MOMENTS_FILE), momentEntries(moments));
}

/**
 * @param step of the optimizer, which the file does not hold
 * @throws WeightsError when the file is missing or malformed
 */
export function readMoments(folder: string, step: number): AdamWState {
  return { step, moments: readEntries(join(folder, MOMENTS_FILE)) };
}

function momentEntries(moments: Readonly<Record<string, MomentState>>): SafetensorsEntry[] {
  return Object.entries(moments).flatMap(([name, { shape, m, v, vMax }]) => [
    { name: `m.${name}`, shape, data: m },
    { name: `v.${name}`, shape, data: v },
    ...(vMax ? [{ name: `vMax.${name}`, shape, data: vMax }] : []),
  ]);
}

function readEntries(path: string): Record<string, MomentState> {
  const reader = openSafetensors(path);
  try {
    const names = reader.names.filter((name) => name.startsWith("m.")).map((name) => name.slice(2));
    return Object.fromEntries(
      names.map((name): [string, MomentState] => [
        name,
        {
          shape: reader.info(`m.${name}`).shape,
          m: reader.readFloat32(`m.${name}`),
          v: reader.readFloat32(`v.${name}`),
          ...(reader.has(`vMax.${name}`) ? { vMax: reader.readFloat32(`vMax.${name}`) } : {}),
        },
      ]),
    );
  } finally {
    reader.close();
  }
}
