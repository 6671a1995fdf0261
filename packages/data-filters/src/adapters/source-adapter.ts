/**
 * The SourceAdapter seam: an owner's files → rows. An adapter streams its owner's published layout from a folder and
 * states what the owner wrote: question, answer, choices, pictures by reference, boxes in pixels. It filters nothing
 * that a rule can filter, so that the report can say why a row was dropped.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { DatasetError, PromptMessage, SourceInfo } from "@v-triune/schema";
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
  /** The owner's id, or file and position if the owner gives none. Unique in the source. */
  readonly id: string;
  /**
   * The words that rules look at, without `<image>` marks. When the sample is written, one mark per picture is put
   * before the question, unless `turns` states the prompt.
   */
  readonly question: string;
  /** The prompt as the owner wrote it, with one `<image>` mark at the place of each picture. */
  readonly turns?: readonly PromptMessage[];
  /** The bare answer; empty for boxes. If the owner gives the letter of a choice that has a text, the text. */
  readonly answer: string;
  /** The choices, if the owner lists them. */
  readonly options?: readonly string[];
  readonly pictures: readonly PictureReference[];
  /** Size of the picture that the boxes refer to, in pixels. */
  readonly width?: number;
  readonly height?: number;
  readonly boxes?: readonly PixelBox[];
  /**
   * `relative`: the boxes are on a grid of 0..1000, and become pixels when the picture's size is known. Default
   * `pixel`.
   */
  readonly boxUnit?: "pixel" | "relative";
  /** What rows are balanced by, and counted by in the report: chart type, subject, pattern, .. */
  readonly category?: string;
}

/** What an adapter receives. */
export interface AdapterContext {
  /** The source's folder. */
  readonly folder: string;
  /** For adapters that join files. They may create temporary tables only. */
  readonly connection: DuckDBConnection;
  /** Keeps bytes that have no file of their own (a Parquet cell) until the sample is written. */
  spool(bytes: Uint8Array, name: string): PictureReference;
  /**
   * Reports a record that cannot be used. Throws it in a strict run.
   *
   * @param id the owner's id of the record. Default: its file and row, as the error states them.
   */
  bad(error: DatasetError, id?: string): void;
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
   * @throws DatasetError `wrong-layout` that says what was looked for, if the folder does not have this owner's layout
   */
  read(context: AdapterContext): AsyncIterable<SourceRow>;
}
