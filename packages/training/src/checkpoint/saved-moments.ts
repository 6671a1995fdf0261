/** AdamW's moments on disk: `optimizer.safetensors`. */
import { join } from "node:path";
import type { AdamWState, MomentState } from "@v-triune/grpo";
import { openSafetensors, writeSafetensors } from "@v-triune/policy";
import { MOMENTS_FILE, momentEntries } from "./moment-entries";

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
