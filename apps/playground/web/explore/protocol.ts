/** Messages between the page and the worker that reads files. */
import type { CorpusRow, CorpusSummary, FoundRows, RowFilter } from "../../src/explore/corpus-file";
import type { NamedFile } from "../../src/explore/file-kind";

/** What the page asks for, each with its answer. */
export interface Questions {
  /** Opens a corpus file, and closes the one before. */
  readonly open: { readonly given: NamedFile; readonly answer: CorpusSummary };
  /** Ends the search before. */
  readonly find: { readonly given: RowFilter; readonly answer: FoundRows };
  readonly rows: { readonly given: readonly number[]; readonly answer: readonly CorpusRow[] };
  readonly pictures: { readonly given: number; readonly answer: readonly (Uint8Array | null)[] };
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
