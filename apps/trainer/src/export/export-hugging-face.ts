/**
 * `v-triune export hf`: a checkpoint as a folder that transformers, vLLM and SGLang load: the model, its configuration
 * and its tokenizer. Without an adapter these are the checkpoint's own files, copied; an adapter is merged into the
 * model first.
 */
import { copyFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { loadModel, verifyCheckpoint } from "@v-triune/training";
import type { BackendSetting } from "@v-triune/training/config";
import { chosenCheckpoint, readRunDescription, writeFolderAtomic } from "@v-triune/training/run-folder";

export interface ExportHuggingFaceOptions {
  /** The run's folder. */
  readonly run: string;
  /** The folder to make; it must not exist yet. */
  readonly out: string;
  /** Default the last checkpoint. */
  readonly step?: number | undefined;
  /** Keep an adapter by itself, in peft's layout, instead of merging it. */
  readonly separate?: boolean;
  /** Where the merging is computed. Default the run's. */
  readonly backend?: BackendSetting | undefined;
}

/** What was exported. */
export interface ExportedModel {
  readonly folder: string;
  readonly step: number;
  readonly merged: boolean;
}

/**
 * @throws RunFolderError when the run or its checkpoint is missing or damaged
 * @throws WriteError when the folder exists already or can't be written
 */
export async function exportHuggingFace({
  run,
  out,
  step,
  separate = false,
  backend,
}: ExportHuggingFaceOptions): Promise<ExportedModel> {
  const { config } = await readRunDescription(resolve(run));
  const checkpoint = await chosenCheckpoint(resolve(run), step);
  const files = await verifyCheckpoint(checkpoint.folder);
  const folder = resolve(out);
  const merged = config.model.adapter !== null && !separate;
  if (!merged) {
    await writeFolderAtomic(folder, async (temporary) => {
      for (const name of files) await copyFile(join(checkpoint.folder, name), join(temporary, name));
    });
  } else {
    await selectBackend({ prefer: backend ?? config.backend });
    const { policy } = await loadModel(config.model, config.run.seed, { checkpoint: checkpoint.folder });
    try {
      await writeFolderAtomic(folder, (temporary) => policy.save(temporary, { adapter: "merged" }));
    } finally {
      policy.dispose();
    }
  }
  return { folder, step: checkpoint.step, merged };
}
