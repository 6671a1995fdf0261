/** `v-triune curate init FOLDER`: a commented configuration for the files of a folder. */
import { existsSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { suggestSources, type SuggestedSource } from "@v-triune/data-filters";
import { RunFolderError, writeFileAtomic } from "@v-triune/training/run-folder";
import { stringify } from "yaml";

/** What was written, and what a person has to look at. */
export interface InitializedCuration {
  readonly file: string;
  readonly sources: readonly SuggestedSource[];
}

const WIDTH = 110;

/**
 * @param folder the folder whose files are looked at
 * @param file the configuration to write
 * @throws DatasetError for a folder without tables; RunFolderError if the file exists
 */
export async function initCuration(folder: string, file: string): Promise<InitializedCuration> {
  if (existsSync(file)) {
    throw new RunFolderError({
      what: "There is a configuration already. It stays as it is.",
      where: file,
      fix: "choose another file: --output NAME.yaml",
    });
  }
  const sources = await suggestSources(resolve(folder));
  const path = relative(dirname(resolve(file)), resolve(folder)) || ".";
  const name = basename(resolve(folder)).replace(/[^A-Za-z0-9._-]+/g, "-");
  const text = [
    `# A curation of ${oneLine(path)}. Paths are relative to this file. All keys: docs/curation.md`,
    "#",
    `#   npx v-triune curate ${oneLine(file)}`,
    "#",
    "# Check what was guessed: the columns, the task and the name of each source.",
    "sources:",
    ...sources.flatMap((source) => sourceLines(source, path)),
    "",
    `output: ${stringify(`${name}-corpus`).trimEnd()}`,
    "seed: 0",
    "# split: {test: 0.02}          # sets a share of each source aside as test_* files",
    "# mix: {caps: {math: 2000}}    # at most this number of rows of a task or source",
    "# rules: [duplicate-id, has-answer, multiple-choice]    # default: the rules of the method",
    "",
  ].join("\n");
  await writeFileAtomic(file, text);
  return { file, sources };
}

/** The text that the command prints. */
export function formatInitialized({ file, sources }: InitializedCuration): string {
  const lines = sources.map(({ source, settings, missing }) => {
    const columns = Object.entries((settings?.["columns"] ?? {}) as Record<string, string>);
    const guessed = columns.map(([key, column]) => `${key}: ${column}`).join(", ");
    const name = settings?.["name"] === undefined ? "" : ` ${String(settings["name"])} (${String(settings["task"])})`;
    const open = missing.length === 0 ? "" : `\n    not found: ${missing.join(", ")}`;
    return `  ${source}${name}${guessed === "" ? "" : `\n    ${guessed}`}${open}`;
  });
  return `${file}\n${lines.join("\n")}\n\nNext: check what was guessed, then v-triune curate ${file}\n`;
}

function sourceLines({ source, settings, columns, missing, rows }: SuggestedSource, path: string): string[] {
  const lines = [`  - source: ${source}`, `    path: ${flow(path)}`];
  if (columns.length > 0) lines.push(comment(`Columns of the files: ${columns.join(", ")}`));
  if (settings !== undefined) {
    lines.push("    settings:");
    for (const [key, value] of Object.entries(settings)) {
      if (key !== "columns") lines.push(`      ${key}: ${flow(value)}${key === "task" ? TASK_HINT : ""}`);
    }
    const guessed = settings["columns"] as Readonly<Record<string, string>> | undefined;
    if (guessed !== undefined) {
      lines.push("      columns:");
      for (const [key, column] of Object.entries(guessed)) lines.push(`        ${key}: ${flow(column)}`);
      for (const key of missing) lines.push(`        ${key}: "?"    # no column was found: name the one that has it`);
    }
  }
  lines.push(comment("The first rows:"));
  for (const row of rows) {
    const cells = Object.entries(row).map(([key, value]) => `${key}: ${value}`);
    lines.push(...cells.map((cell, i) => comment(`${i === 0 ? "-" : " "} ${cell}`)));
  }
  return lines;
}

const TASK_HINT = "    # math, puzzle, science, chart, counting, ocr; with boxes: detection, grounding";

function comment(text: string): string {
  const line = `    # ${oneLine(text)}`;
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 2)}..` : line;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}
