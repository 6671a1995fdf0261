/** What is said about columns that do not fit the layout, by every reader of corpus files. */
import { DatasetError } from "@v-triune/schema";
import type { LayoutNode } from "./orsta-layout";

/** A column or a leaf of a file. */
export interface ColumnPlace {
  readonly file: string;
  /** Dotted path. */
  readonly field: string;
}

const LEAF_NAMES = { text: "text", number: "a number", boolean: "a boolean", bytes: "bytes" } as const;

/** What the layout asks for, in words. */
export function expectedOf(node: LayoutNode): string {
  if ("leaf" in node) return LEAF_NAMES[node.leaf];
  return "list" in node ? "a list" : `a struct of ${Object.keys(node.record).join(", ")}`;
}

/** The error for a column of a type that is not accepted. @param found the type, as DuckDB writes it */
export function wrongType(place: ColumnPlace, expected: string, found: string): DatasetError {
  return new DatasetError({
    code: "wrong-type",
    ...place,
    expected,
    found,
    fix: "write the column with the layout's type, or read the file with curate and `source: table`",
  });
}

/** The error for a column or leaf that the file lacks. @param present the names that it has in that place */
export function missingColumn(place: ColumnPlace, present: readonly string[]): DatasetError {
  return new DatasetError({
    code: "missing-field",
    ...place,
    expected: "this column",
    found: present.length > 0 ? `only ${present.join(", ")}` : "no columns",
    fix: "choose a corpus file, or read another layout with curate and one of its adapters",
  });
}
