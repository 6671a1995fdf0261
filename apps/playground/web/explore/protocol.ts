/** Messages between the page and the worker that reads files. */
import type { CorpusRow, CorpusSummary, FoundRows, RowFilter } from "../../src/explore/corpus-file";
import type { Chosen } from "../../src/explore/chosen";
import type { RunFiles } from "../../src/explore/run-folder";
import type { NamedFile } from "../../src/explore/file-kind";

/** A run or rollouts to show on the dashboard, which asks through the port. */
export interface RunQuestion {
  readonly chosen: { readonly kind: "run"; readonly run: RunFiles } | Extract<Chosen, { kind: "rollouts" }>;
  readonly port: MessagePort;
}

/** What the page asks for, each with its answer. */
export interface Questions {
  /** What the files are. */
  readonly recognize: { readonly given: readonly NamedFile[]; readonly answer: Chosen };
  readonly run: { readonly given: RunQuestion; readonly answer: RunAnswer };
  /** Opens a corpus file, and closes the one before. */
  readonly open: { readonly given: NamedFile; readonly answer: CorpusSummary };
  /** Ends the search before. */
  readonly find: { readonly given: RowFilter; readonly answer: FoundRows };
  readonly rows: { readonly given: readonly number[]; readonly answer: readonly CorpusRow[] };
  readonly pictures: { readonly given: number; readonly answer: readonly (Uint8Array | null)[] };
}

/** How the dashboard finds the run. */
export interface RunAnswer {
  readonly id: string;
  /** Whether it has numbers; else it is shown by its rollouts. */
  readonly hasNumbers: boolean;
}

export type Question = {
  readonly [Name in keyof Questions]: {
    readonly id: number;
    readonly name: Name;
    readonly given: Questions[Name]["given"];
  };
}[keyof Questions];

/** What the worker says. */
export type Message =
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "failed"; readonly id: number; readonly problem: string }
  /** Rows of a search that goes on. */
  | { readonly type: "found"; readonly id: number; readonly found: FoundRows }
  /** The check of all rows went on, or ended with a problem. */
  | { readonly type: "checked"; readonly summary: CorpusSummary; readonly problem: string | null };
