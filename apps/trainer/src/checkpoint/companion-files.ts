import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ModelConfig } from "../config/training-config";

/** Beside weights and config.json: tokenizer, templates, processors, generation settings. */
const COMPANION = /^(tokenizer|special_tokens|added_tokens|vocab|merges|chat_template|preprocessor|processor|video_preprocessor|generation_config)[\w.]*$/;

/** The folder whose tokenizer and templates belong to the run's model. */
export function companionFolder(model: ModelConfig): string {
  return model.init === "pretrained" ? model.path : model.tokenizer;
}

/**
 * Copies what belongs to a model and is not there yet. A policy takes these files along from the folder it was loaded from; for a
 * resumed run that is an earlier checkpoint, which may have been pruned since.
 */
export async function copyMissingCompanions(from: string, to: string): Promise<void> {
  const there = new Set(await readdir(to));
  for (const name of await readdir(from)) if (COMPANION.test(name) && !there.has(name)) await copyFile(join(from, name), join(to, name));
}
