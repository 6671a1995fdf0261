/** The weights of a teacher that follows the policy, on disk: `teacher.safetensors`. */
import { join } from "node:path";
import { openSafetensors, writeSafetensors } from "@v-triune/policy";
import type { TeacherState } from "../model/teacher";

export const TEACHER_FILE = "teacher.safetensors";

/** @throws WeightsError when the disk is full or not writable */
export async function writeTeacher(folder: string, state: TeacherState): Promise<void> {
  await writeSafetensors(
    join(folder, TEACHER_FILE),
    [...state].map(([name, { shape, values }]) => ({ name, shape, data: () => values })),
  );
}

/** @throws WeightsError when the file is missing or malformed */
export function readTeacher(folder: string): TeacherState {
  const reader = openSafetensors(join(folder, TEACHER_FILE));
  try {
    return new Map(
      reader.names.map((name) => [name, { shape: reader.info(name).shape, values: reader.readFloat32(name) }]),
    );
  } finally {
    reader.close();
  }
}
