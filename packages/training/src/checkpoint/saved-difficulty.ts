/** What a run knows of its samples' difficulty, as a file of a checkpoint. */
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "@v-triune/policy";
import type { DifficultyState } from "../data/difficulty-sampler";

/** The file's name; a run that draws in a uniform order has none. */
export const DIFFICULTY_FILE = "difficulty.safetensors";

const TENSORS = ["passes", "answers", "credits"] as const satisfies readonly (keyof DifficultyState)[];

export async function writeDifficulty(folder: string, state: DifficultyState): Promise<void> {
  await writeSafetensors(
    join(folder, DIFFICULTY_FILE),
    TENSORS.map((name) => ({ name, shape: [state[name].length], data: state[name] })),
  );
}

/** @param folder of a checkpoint that was found whole */
export function readDifficulty(folder: string): DifficultyState {
  const reader = openSafetensors(join(folder, DIFFICULTY_FILE));
  try {
    const [passes, answers, credits] = TENSORS.map((name) => reader.readFloat32(name)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    return { passes, answers, credits };
  } finally {
    reader.close();
  }
}
