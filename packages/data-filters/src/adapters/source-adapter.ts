/**
 * The SourceAdapter seam: an owner's files → rows. An adapter reads its owner's published layout from a folder, streaming,
 * and states what the owner wrote: question, answer, choices, pictures by reference, boxes in pixels. It filters nothing
 * that a rule can filter, so that the report can say why a row is gone.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DatasetError, SourceInfo } from "@v-triune/schema";
import type { PictureReference } from "../pictures/picture-reference";

/** A box in pixels of the picture, as its owner gives it. */
export interface PixelBox {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly label: string;
}

/** One row of an owner's files. */
export interface SourceRow {
  /** The owner's id, or file and position where there is none; unique in the source. */
  readonly id: string;
  /** Without `<image>` marks: one is put before the question for each picture when the sample is written. */
  readonly question: string;
  /** The bare answer; empty for boxes. Where the owner gives a letter for a choice with a text, the text. */
  readonly answer: string;
  /** The choices, where the owner lists them. */
  readonly options?: readonly string[];
  readonly pictures: readonly PictureReference[];
  /** Size that the boxes refer to, in pixels. */
  readonly width?: number;
  readonly height?: number;
  readonly boxes?: readonly PixelBox[];
  /** `relative`: the boxes are 0..1000 of the picture, and become pixels when its size is known. Default `pixel`. */
  readonly boxUnit?: "pixel" | "relative";
  /** What the row is balanced by and counted by in the report: chart type, subject, pattern .. */
  readonly category?: string;
}

/** What an adapter is given. */
export interface AdapterContext {
  /** The source's folder. */
  readonly folder: string;
  /** For adapters that join files; temporary tables only. */
  readonly connection: DuckDBConnection;
  /** Keeps bytes that are no file of their own (a Parquet cell) until the sample is written. */
  spool(bytes: Uint8Array, name: string): PictureReference;
  /** Reports a record that cannot be used. Throws it in a strict run. */
  bad(error: DatasetError): void;
  /** Settings of this source in the configuration. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
}

/** Reads one owner's layout. */
export interface SourceAdapter {
  readonly info: SourceInfo;
  /**
   * Streams the rows of a folder, in a fixed order.
   *
   * @throws DatasetError `wrong-layout` that says what was looked for, when the folder is not one of this owner's
   */
  read(context: AdapterContext): AsyncIterable<SourceRow>;
}
