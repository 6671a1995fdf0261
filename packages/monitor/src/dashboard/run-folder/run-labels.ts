/**
 * What people say of a run: title, tags, note, archived. It is `monitor.json` in the run's folder, the only file there
 * that the dashboard writes (docs/decisions/0011-the-dashboard-writes-beside-the-numbers.md).
 */
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asWriteError } from "@v-triune/errors";
import { replaceFile } from "@v-triune/node-kit/atomic-write";
import { isRecord } from "@v-triune/node-kit/is-record";
import type { RunLabels } from "../dashboard-api";
import { DashboardError } from "../dashboard-error";

export const LABELS_FILE = "monitor.json";
const FORMAT = 1;
const LARGEST_FILE = 1 << 20;

/** Characters, and tags, that labels may have. */
export const LABEL_LIMITS = { title: 200, tag: 50, tags: 20, note: 10_000 } as const;

/** What of the labels changes; null takes the title away. */
export interface LabelChange {
  readonly title?: string | null;
  readonly tags?: readonly string[];
  readonly note?: string;
  readonly archived?: boolean;
}

export const NO_LABELS: RunLabels = { revision: 0, title: null, tags: [], note: "", archived: false };

/** What stands in the file: the labels, or why they cannot be read. Keys that are not ours are kept. */
interface LabelsRead {
  readonly labels: RunLabels;
  readonly problem: string | null;
  readonly others: Readonly<Record<string, unknown>>;
}

const controlCharacter = /\p{Cc}/u;

const refuse = (where: string, expected: string, found: string): never => {
  throw new DashboardError({ what: "The label cannot be used.", where, expected, found });
};

/** A title or tag without the spaces around it. */
function lineOf(where: string, value: unknown, most: number): string {
  const text = typeof value === "string" ? value.trim() : refuse(where, "a text", JSON.stringify(value) ?? "nothing");
  if ([...text].length > most) refuse(where, `at most ${most} characters`, `${[...text].length}`);
  if (controlCharacter.test(text)) refuse(where, "one line", "a line break or another control character");
  return text;
}

function noteOf(value: unknown): string {
  const text = typeof value === "string" ? value : refuse("note", "a text", JSON.stringify(value) ?? "nothing");
  if ([...text].length > LABEL_LIMITS.note)
    refuse("note", `at most ${LABEL_LIMITS.note} characters`, `${[...text].length}`);
  return text.replaceAll("\r\n", "\n").trim();
}

function tagsOf(value: unknown): string[] {
  const given = Array.isArray(value) ? (value as unknown[]) : refuse("tags", "a list of texts", JSON.stringify(value));
  const tags = [...new Set(given.map((tag) => lineOf("tags", tag, LABEL_LIMITS.tag)).filter((tag) => tag !== ""))];
  if (tags.length > LABEL_LIMITS.tags) refuse("tags", `at most ${LABEL_LIMITS.tags} tags`, `${tags.length}`);
  if (tags.some((tag) => tag.includes(","))) refuse("tags", "tags without a comma", tags.join(" "));
  return tags;
}

/**
 * A change of labels from data of any kind.
 *
 * @throws DashboardError that names the label, its limit and what was found
 */
export function labelChange(value: Readonly<Record<string, unknown>>): LabelChange {
  const change: { -readonly [Key in keyof LabelChange]: LabelChange[Key] } = {};
  if (value.title !== undefined)
    change.title = value.title === null ? null : lineOf("title", value.title, LABEL_LIMITS.title) || null;
  if (value.tags !== undefined) change.tags = tagsOf(value.tags);
  if (value.note !== undefined) change.note = noteOf(value.note);
  if (value.archived !== undefined)
    change.archived =
      typeof value.archived === "boolean"
        ? value.archived
        : refuse("archived", "true or false", JSON.stringify(value.archived));
  return change;
}

async function readLabels(folder: string): Promise<LabelsRead> {
  const path = join(folder, LABELS_FILE);
  const unreadable = (problem: string): LabelsRead => ({
    labels: NO_LABELS,
    problem: `${LABELS_FILE} cannot be read: ${problem}. Title, tags and note are left as they are in the file.`,
    others: {},
  });
  try {
    if ((await stat(path)).size > LARGEST_FILE) return unreadable("it is larger than 1 MB");
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (!isRecord(value)) return unreadable("it is not a JSON object");
    const { format, revision, title, tags, note, archived, ...others } = value;
    if (format !== FORMAT) return unreadable(`its format is ${JSON.stringify(format) ?? "missing"}, not ${FORMAT}`);
    if (typeof revision !== "number" || !Number.isSafeInteger(revision) || revision < 0)
      return unreadable("its revision is not a whole number");
    const { title: read = null, ...rest } = labelChange({ title, tags, note, archived });
    return { labels: { ...NO_LABELS, ...rest, title: read, revision }, problem: null, others };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { labels: NO_LABELS, problem: null, others: {} };
    if (error instanceof DashboardError) return unreadable(`${error.where}: ${error.expected} expected`);
    return unreadable(error instanceof SyntaxError ? "it is not JSON" : message);
  }
}

/** The labels of one run folder, followed as other programs change them too. */
export class RunLabelsFile {
  readonly #folder: string;
  #state: LabelsRead = { labels: NO_LABELS, problem: null, others: {} };
  #seen = "";
  #working: Promise<unknown> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get labels(): RunLabels {
    return this.#state.labels;
  }

  /** A sentence for the page; null if the file is missing or can be read. */
  get problem(): string | null {
    return this.#state.problem;
  }

  /** @returns whether the file has changed since it was last looked at */
  async refresh(): Promise<boolean> {
    const path = join(this.#folder, LABELS_FILE);
    const found = await stat(path).catch(() => undefined);
    const now = found === undefined ? "" : `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (now === this.#seen) return false;
    this.#state = await readLabels(this.#folder);
    this.#seen = now;
    return true;
  }

  /**
   * Changes some labels; one change at a time.
   *
   * @param revision that the change is based on; undefined for the last
   * @throws DashboardError with the code `labels-changed` if others came between, else if the file or folder is not
   * usable
   * @throws WriteError if the file cannot be written
   */
  change(change: LabelChange, revision?: number): Promise<RunLabels> {
    const result = this.#working.then(() => this.#change(change, revision));
    this.#working = result.catch(() => undefined);
    return result;
  }

  async #change(change: LabelChange, revision: number | undefined): Promise<RunLabels> {
    const path = join(this.#folder, LABELS_FILE);
    const { labels, problem, others } = await readLabels(this.#folder);
    if (problem !== null)
      throw new DashboardError({
        what: "The labels cannot be saved, because the file with those of before cannot be read.",
        where: path,
        found: problem,
        fix: "correct the file or move it away, then save again",
      });
    if (revision !== undefined && revision !== labels.revision)
      throw new DashboardError({
        what: "The labels were changed elsewhere in the meantime. Nothing was saved.",
        where: path,
        expected: `revision ${revision}`,
        found: `revision ${labels.revision}`,
        fix: "look at what is saved now, then save again",
        code: "labels-changed",
      });
    const next: RunLabels = { ...labels, ...change, revision: labels.revision + 1 };
    const text = `${JSON.stringify({ ...others, format: FORMAT, ...next }, null, 2)}\n`;
    try {
      // Not the folders above: a run that was deleted in the meantime must not come back as an empty folder.
      await replaceFile(path, (temporary) => writeFile(temporary, text));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT")
        throw new DashboardError({ what: "The run's folder is gone.", where: this.#folder, cause: error });
      throw asWriteError(error, path);
    }
    await this.refresh();
    return next;
  }
}
