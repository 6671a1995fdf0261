/**
 * Checkpoints: `checkpoints/step-000012/` with the model in Hugging Face layout (transformers, vLLM and SGLang load the
 * folder as it is; under LoRA the adapter alone, in peft's), `optimizer.safetensors` (AdamW's moments as m.NAME and
 * v.NAME) and `state.json`. A folder appears under its name only when all of it is on the disk; state.json lists every
 * other file with size and hash, checked before a run goes on.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
// oxlint-disable-next-line v-triune/no-copies -- a damaged folder is moved aside, no file is written
import { readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Learner, LearnerState } from "@v-triune/grpo";
import type { VlmPolicy, TokenizedRollout } from "@v-triune/policy";
import { RunFolderError } from "../run-folder/run-folder-error";
import { writeFolderAtomic } from "../run-folder/write-file-atomic";
import type { DataPlace } from "../data/run-data";
import type { Teacher, TeacherState } from "../model/teacher";
import type { StepRollouts } from "../sampling/step-rollouts";
import { type FileFingerprint, type StateFile, type TrainingState, stateText } from "./checkpoint-state";
import { MOMENTS_FILE } from "./moment-entries";
import { readMoments, writeMoments } from "./saved-moments";
import { DIFFICULTY_FILE, readDifficulty, writeDifficulty } from "./saved-difficulty";
import { TEACHER_FILE, readTeacher, writeTeacher } from "./saved-teacher";
import { READY_ROLLOUTS_FILES, writeReadyRollouts } from "./ready-rollouts";

/** What is saved besides the number of steps done. */
export interface CheckpointParts {
  /** Where the run goes on in its data. */
  readonly place: DataPlace;
  readonly policy: Pick<VlmPolicy, "save">;
  readonly learner: Pick<Learner<TokenizedRollout>, "exportState">;
  /** Rollouts of the next step, if they are made ahead. */
  readonly ready: StepRollouts | undefined;
  /** Of a distillation whose teacher follows the policy. */
  readonly teacher?: Pick<Teacher, "exportState"> | undefined;
}

/** @throws WriteError when the disk is full or not writable; an earlier checkpoint stays as it is */
export async function saveCheckpoint(
  folder: string,
  step: number,
  { place, policy, learner, ready, teacher }: CheckpointParts,
): Promise<void> {
  await writeFolderAtomic(folder, async (temporary) => {
    await policy.save(temporary);
    const { optimizer } = learner.exportState();
    await writeMoments(temporary, optimizer);
    if (ready) await writeReadyRollouts(temporary, ready);
    const taught = teacher?.exportState();
    if (taught) await writeTeacher(temporary, taught);
    if (place.difficulty) await writeDifficulty(temporary, place.difficulty);
    const files: Record<string, FileFingerprint> = {};
    for (const name of (await readdir(temporary)).sort()) files[name] = await fingerprint(join(temporary, name));
    await writeFile(join(temporary, "state.json"), stateText(step, place, optimizer.step, files));
  });
}

/**
 * The newest checkpoint that is whole; damaged ones on the way are renamed, so that they are neither used nor in the
 * way.
 *
 * @param steps ascending
 * @returns undefined when there is none
 * @throws RunFolderError when all of them are damaged
 */
export async function newestWholeCheckpoint(
  steps: readonly number[],
  pathOf: (step: number) => string,
  onDamaged: (message: string) => void,
): Promise<{ readonly folder: string; readonly loaded: LoadedCheckpoint } | undefined> {
  let damage: RunFolderError | undefined;
  for (const [index, step] of [...steps].reverse().entries()) {
    const folder = pathOf(step);
    try {
      return { folder, loaded: await loadCheckpoint(folder) };
    } catch (error) {
      if (!(error instanceof RunFolderError)) throw error;
      damage = error;
      const earlier = steps.at(-index - 2);
      if (earlier === undefined) break;
      await rename(folder, `${folder}.damaged`);
      onDamaged(
        `The checkpoint of step ${step} is damaged (${error.where ?? folder}: expected ` +
          `${error.expected ?? "a whole file"}, found ${error.found ?? "none"}), so the run goes on from step ` +
          `${earlier}. The damaged one is now ${folder}.damaged.`,
      );
    }
  }
  if (damage) throw damage;
  return undefined;
}

/** A checkpoint that was found whole. */
export interface LoadedCheckpoint {
  readonly state: Pick<TrainingState, "step">;
  readonly place: DataPlace;
  readonly learner: LearnerState;
  readonly teacher?: TeacherState;
  /** Whether rollouts of the next step lie there. */
  readonly hasReadyRollouts: boolean;
}

/**
 * Reads everything but the weights, which `loadVlm` takes from the same folder.
 *
 * @throws RunFolderError when a file is missing or not the one that was saved
 */
export async function loadCheckpoint(folder: string): Promise<LoadedCheckpoint> {
  const state = await verifiedState(folder);
  return {
    state: { step: state.step },
    place: {
      position: state.position,
      ...(state.iou === undefined ? {} : { iou: state.iou }),
      ...(DIFFICULTY_FILE in state.files ? { difficulty: readDifficulty(folder) } : {}),
    },
    learner: { optimizer: readMoments(folder, state.optimizerSteps) },
    ...(TEACHER_FILE in state.files ? { teacher: readTeacher(folder) } : {}),
    hasReadyRollouts: READY_ROLLOUTS_FILES.every((name) => name in state.files),
  };
}

/**
 * Checks every file's size and hash.
 *
 * @returns the names of the files that are the model, in order
 * @throws RunFolderError when a file is missing or not the one that was saved
 */
export async function verifyCheckpoint(folder: string): Promise<string[]> {
  const { files } = await verifiedState(folder);
  const others = [MOMENTS_FILE, DIFFICULTY_FILE, TEACHER_FILE, ...READY_ROLLOUTS_FILES];
  return Object.keys(files).filter((name) => !others.includes(name));
}

async function verifiedState(folder: string): Promise<StateFile> {
  const state = await readState(folder);
  for (const [name, saved] of Object.entries(state.files)) {
    const found = await fingerprint(join(folder, name)).catch((cause: unknown) =>
      broken(folder, name, "the file", "none", cause),
    );
    if (found.bytes !== saved.bytes) broken(folder, name, `${saved.bytes} bytes`, `${found.bytes} bytes`);
    if (found.sha256 !== saved.sha256)
      broken(folder, name, `SHA-256 ${saved.sha256.slice(0, 12)}..`, `${found.sha256.slice(0, 12)}..`);
  }
  return state;
}

/**
 * Removes all but the newest `keep` of the given steps' checkpoints.
 *
 * @param best a step that stays whatever its age
 */
export async function pruneCheckpoints(
  steps: readonly number[],
  keep: number | null,
  pathOf: (step: number) => string,
  best?: number,
): Promise<void> {
  if (keep === null) return;
  for (const step of steps.slice(0, Math.max(0, steps.length - keep)))
    if (step !== best) await rm(pathOf(step), { recursive: true, force: true });
}

async function readState(folder: string): Promise<StateFile> {
  const path = join(folder, "state.json");
  try {
    const value = JSON.parse(await readFile(path, "utf8")) as StateFile;
    if (value.format === 1) return value;
    return broken(folder, "state.json", "format 1", `format ${String(value.format)}`);
  } catch (cause) {
    if (cause instanceof RunFolderError) throw cause;
    return broken(folder, "state.json", "the state of a run", (cause as Error).message, cause);
  }
}

function broken(folder: string, name: string, expected: string, found: string, cause?: unknown): never {
  throw new RunFolderError({
    what: "The checkpoint is damaged.",
    where: join(folder, name),
    expected,
    found,
    fix: "remove this checkpoint's folder; the run then goes on from the one before, or begins again",
    cause,
  });
}

async function fingerprint(path: string): Promise<FileFingerprint> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return { bytes: (await stat(path)).size, sha256: hash.digest("hex") };
}
