/**
 * Which runs lie under the folders that the dashboard was started with. A run is known by an id from here only: no path
 * comes from the page.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { RunView } from "./run-view";

/** How deep below a folder runs are looked for: runs/, runs/experiment/. */
const DEPTH = 2;
const MOST_RUNS = 1_000;

async function isRun(folder: string): Promise<boolean> {
  for (const name of ["run.json", "metrics.jsonl"]) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) return true;
  }
  return false;
}

async function findRuns(folder: string, depth: number, into: string[]): Promise<void> {
  if (into.length >= MOST_RUNS) return;
  if (await isRun(folder)) {
    into.push(folder);
    return;
  }
  if (depth === 0) return;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
    if (entry.isDirectory() || entry.isSymbolicLink()) await findRuns(join(folder, entry.name), depth - 1, into);
  }
}

/** The runs under some folders; `scan` finds them again. */
export class RunCatalogue {
  /** Run folders, or folders of them, as absolute paths. */
  readonly folders: readonly string[];
  readonly #views = new Map<string, RunView>();

  /** @param folders run folders, or folders of them; they may not exist yet */
  constructor(folders: readonly string[]) {
    this.folders = folders.map((folder) => resolve(folder));
  }

  /** Looks for runs that have come or gone. */
  async scan(): Promise<void> {
    const seen = new Set<string>();
    for (const folder of this.folders) {
      const runs: string[] = [];
      await findRuns(folder, DEPTH, runs);
      for (const run of runs) {
        const wanted = run === folder ? basename(run) : relative(folder, run).split(sep).join("/");
        let id = wanted;
        for (let number = 2; this.#views.has(id) && this.#views.get(id)!.folder !== run; number += 1)
          id = `${wanted} (${number})`;
        seen.add(id);
        if (!this.#views.has(id)) this.#views.set(id, new RunView(id, run));
      }
    }
    for (const id of this.#views.keys()) if (!seen.has(id)) this.#views.delete(id);
  }

  /** The run of an id that {@link scan} gave it. */
  get(id: string): RunView | undefined {
    return this.#views.get(id);
  }

  all(): RunView[] {
    return [...this.#views.values()];
  }
}
