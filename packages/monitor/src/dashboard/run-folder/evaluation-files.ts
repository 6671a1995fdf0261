/**
 * Evaluations of a run: those that it made itself while it trained (in metrics.jsonl), and those made apart, by
 * `v-triune eval`, in eval.jsonl or eval-NAME.jsonl. Such a file is small, its steps come in any order and a step that
 * was evaluated again replaces what was there, so it is read again when it has changed.
 */
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseRecordLine } from "../../record-line";
import { addEvaluation, type EvaluationNumbers } from "./evaluation-set";

const NAME = /^eval(?:-([\w.-]{1,100}))?\.jsonl$/;
const LARGEST_FILE = 64 << 20;
const MOST_FILES = 50;

/** The evaluations that lie beside a run's metrics. */
export class EvaluationFiles {
  readonly #folder: string;
  #files = new Map<string, { readonly mark: string; readonly numbers: EvaluationNumbers }>();

  /** @param folder the run folder */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Reads the files that have changed.
   *
   * @returns whether one has
   */
  async refresh(): Promise<boolean> {
    const names = (await readdir(this.#folder).catch(() => [] as string[]))
      .filter((name) => NAME.test(name))
      .sort()
      .slice(0, MOST_FILES);
    let isNew = names.length !== this.#files.size;
    const files = new Map<string, { mark: string; numbers: EvaluationNumbers }>();
    for (const name of names) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || !found.isFile() || found.size > LARGEST_FILE) continue;
      const mark = `${found.ino} ${found.size} ${found.mtimeMs}`;
      const known = this.#files.get(name);
      if (known?.mark === mark) {
        files.set(name, known);
        continue;
      }
      const text = await readFile(path, "utf8").catch(() => "");
      const numbers: EvaluationNumbers = new Map();
      for (const line of text.split("\n")) {
        const record = parseRecordLine(line);
        if (record?.split === "eval") addEvaluation(numbers, record);
      }
      files.set(name, { mark, numbers });
      isNew = true;
    }
    this.#files = files;
    return isNew;
  }

  /** By label: "eval" for eval.jsonl, NAME for the others. */
  all(): (readonly [label: string, numbers: EvaluationNumbers])[] {
    return [...this.#files].map(([name, { numbers }]) => [NAME.exec(name)?.[1] ?? "eval", numbers]);
  }
}
