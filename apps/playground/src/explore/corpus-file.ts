/**
 * A corpus file as the page shows it: which rows the schema accepts, what it says of the others, and rows by source,
 * ability, verifier and text. Rows are read again whenever they are shown; what stays in memory is a few bytes per row.
 */
import { DatasetError, parseSample, type Sample } from "@v-triune/schema";
import type { NamedFile } from "./file-kind";
import { openParquet, type ParquetFile, type RowGroup } from "./parquet-file";
import { sampleColumns, type SampleColumns } from "./sample-columns";

/** What rows are looked for. All conditions hold together. */
export interface RowFilter {
  readonly source?: string | undefined;
  readonly ability?: string | undefined;
  readonly verifier?: string | undefined;
  /** Only rows that the schema refuses. */
  readonly refused?: boolean | undefined;
  /** What a text of the row contains; upper and lower case are alike. */
  readonly text?: string | undefined;
}

/** How many rows each value has. */
export type Counts = Readonly<Record<string, number>>;

/** What was found out so far. */
export interface CorpusSummary {
  readonly rows: number;
  /** Rows that were checked, of all. */
  readonly checked: number;
  readonly refused: number;
  readonly sources: Counts;
  readonly abilities: Counts;
  readonly verifiers: Counts;
}

/** A row with its pictures, or with what the schema says of it. */
export interface CorpusRow {
  /** In the file, from 0. */
  readonly row: number;
  /** Null for a refused row. Its pictures have no bytes: `pictures` has them. */
  readonly sample: Sample | null;
  /** The error's text, as the command line prints it. */
  readonly problem: string | null;
  /** The row as it is, without pictures, for a refused one. */
  readonly raw: string | null;
}

/** Rows of one answer to a search. */
export interface FoundRows {
  readonly rows: readonly number[];
  readonly isComplete: boolean;
}

/** Stands for bytes of a picture that are there and were not read. */
const UNREAD = new Uint8Array(0);
const NOT_ACCEPTED = 1;

/** Values of a column as small numbers. */
class Codes {
  readonly #codes = new Map<string, number>();
  readonly #values: string[] = [];
  readonly counts: number[] = [];

  add(value: string): number {
    let code = this.#codes.get(value);
    if (code === undefined) {
      code = this.#values.push(value) - 1;
      this.#codes.set(value, code);
      this.counts.push(0);
    }
    this.counts[code]! += 1;
    return code;
  }

  /** -1 for a value that no row has. */
  find(value: string): number {
    return this.#codes.get(value) ?? -1;
  }

  table(): Counts {
    return Object.fromEntries(this.#values.map((value, code) => [value, this.counts[code]!]));
  }
}

/** An open corpus file. */
export class CorpusFile {
  readonly #file: ParquetFile;
  readonly #columns: SampleColumns;
  readonly #sources = new Codes();
  readonly #abilities = new Codes();
  readonly #verifiers = new Codes();
  /** Codes of the rows that were checked. */
  readonly #source: Uint32Array;
  readonly #ability: Uint32Array;
  readonly #verifier: Uint32Array;
  readonly #refused: Uint8Array;
  #refusedCount = 0;
  #checkedGroups = 0;
  /** Row groups are checked one after the other, whoever asks. */
  #checking: Promise<void> = Promise.resolve();
  /** The pictures that were read last. */
  #pictures: { readonly group: RowGroup; readonly rows: readonly Record<string, unknown>[] } | undefined;

  private constructor(file: ParquetFile, columns: SampleColumns) {
    this.#file = file;
    this.#columns = columns;
    this.#source = new Uint32Array(file.rows);
    this.#ability = new Uint32Array(file.rows);
    this.#verifier = new Uint32Array(file.rows);
    this.#refused = new Uint8Array(file.rows);
  }

  /** @throws DatasetError for a file that is no Parquet, was cut off or has another layout */
  static async open(file: NamedFile): Promise<CorpusFile> {
    const parquet = await openParquet(file);
    return new CorpusFile(parquet, await sampleColumns(parquet));
  }

  get summary(): CorpusSummary {
    return {
      rows: this.#file.rows,
      checked: this.#file.groups[this.#checkedGroups - 1]?.to ?? 0,
      refused: this.#refusedCount,
      sources: this.#sources.table(),
      abilities: this.#abilities.table(),
      verifiers: this.#verifiers.table(),
    };
  }

  /**
   * Checks all rows.
   *
   * @param onProgress called after each row group
   * @throws DatasetError `unreadable` for damaged pages
   */
  async check(onProgress: () => void): Promise<void> {
    for (const [at] of this.#file.groups.entries()) {
      await this.#checkUpTo(at);
      onProgress();
    }
  }

  /**
   * Looks for rows, in their order, and checks on the way those that were not yet.
   *
   * @param onFound called after each row group with the rows so far
   * @param signal stops the search
   */
  async find(filter: RowFilter, onFound: (found: FoundRows) => void, signal?: AbortSignal): Promise<FoundRows> {
    const rows: number[] = [];
    const text = (filter.text ?? "").trim().toLowerCase();
    for (const [at, group] of this.#file.groups.entries()) {
      signal?.throwIfAborted();
      await this.#checkUpTo(at);
      const isWanted = this.#condition(filter);
      const candidates = range(group).filter(isWanted);
      if (text === "" || candidates.length === 0) rows.push(...candidates);
      else {
        const records = await this.#file.read(this.#columns.names, group, this.#columns.bytesLeaf);
        for (const row of candidates) if (contains(records[row - group.from], text)) rows.push(row);
      }
      onFound({ rows, isComplete: false });
    }
    signal?.throwIfAborted();
    return { rows, isComplete: true };
  }

  #condition({ source, ability, verifier, refused }: RowFilter): (row: number) => boolean {
    const wanted = [
      [source, this.#sources, this.#source],
      [ability, this.#abilities, this.#ability],
      [verifier, this.#verifiers, this.#verifier],
    ] as const;
    const codes = wanted.flatMap(([value, known, column]) =>
      value === undefined ? [] : [[known.find(value), column] as const],
    );
    return (row) =>
      (refused !== true || this.#refused[row] === NOT_ACCEPTED) &&
      codes.every(([code, column]) => column[row] === code);
  }

  /** The ids of all rows, in their order. */
  async *ids(): AsyncGenerator<{ readonly row: number; readonly source: string; readonly id: string | null }> {
    const names = this.#columns.names.filter((name) => name === "data_source" || name === "extra_info");
    for (const group of this.#file.groups) {
      for (const [at, row] of (await this.#file.read(names, group)).entries()) {
        const { data_source: source, extra_info: extra } = this.#columns.record(row);
        const id = (extra as { id?: unknown } | null)?.id;
        yield { row: group.from + at, source: String(source), id: typeof id === "string" ? id : null };
      }
    }
  }

  /** Rows with what the schema says of them, without their pictures. */
  async rows(numbers: readonly number[]): Promise<CorpusRow[]> {
    const found = new Map<number, CorpusRow>();
    for (const group of this.#file.groups) {
      const own = numbers.filter((row) => row >= group.from && row < group.to);
      if (own.length === 0) continue;
      // Neighbors are read together; a page of search results may be of rows that lie far apart.
      const span = { from: Math.min(...own), to: Math.max(...own) + 1 };
      const records = await this.#records(group, span);
      for (const row of own) found.set(row, this.#judge(records[row - span.from]!, row));
    }
    return numbers.flatMap((row) => found.get(row) ?? []);
  }

  /**
   * The pictures of a row as encoded bytes, in the order of the prompt; null where the file has only a path.
   *
   * @throws DatasetError `unreadable`, also for pictures that are stored in too large a block
   */
  async pictures(row: number): Promise<(Uint8Array | null)[]> {
    const group = this.#file.groups.find(({ from, to }) => row >= from && row < to);
    if (group === undefined || !this.#columns.names.includes("images")) return [];
    if (this.#pictures?.group !== group) {
      this.#pictures = undefined;
      this.#pictures = { group, rows: await this.#file.read(["images"], group) };
    }
    const { images } = this.#columns.record(this.#pictures.rows[row - group.from]!);
    return (Array.isArray(images) ? (images as { bytes: Uint8Array | null }[]) : []).map(
      (image) => image?.bytes ?? null,
    );
  }

  #checkUpTo(last: number): Promise<void> {
    this.#checking = this.#checking.then(async () => {
      while (this.#checkedGroups <= last) await this.#checkGroup(this.#file.groups[this.#checkedGroups]!);
    });
    return this.#checking;
  }

  async #checkGroup(group: RowGroup): Promise<void> {
    const records = await this.#records(group, group);
    for (const [at, record] of records.entries()) {
      const row = group.from + at;
      const { reward_model: reward } = record as { reward_model?: { verifier?: unknown } | null };
      this.#source[row] = this.#sources.add(named(record["data_source"]));
      this.#ability[row] = this.#abilities.add(named(record["ability"]));
      this.#verifier[row] = this.#verifiers.add(named(reward?.verifier));
      if (this.#judge(record, row).problem === null) continue;
      this.#refused[row] = NOT_ACCEPTED;
      this.#refusedCount += 1;
    }
    this.#checkedGroups += 1;
  }

  /** Rows in the layout. Their pictures are not read, unless nothing else tells whether they are there. */
  async #records(group: RowGroup, rows: RowGroup): Promise<Record<string, unknown>[]> {
    const { names, bytesLeaf } = this.#columns;
    const records = (await this.#file.read(names, rows, bytesLeaf)).map((row) => this.#columns.record(row));
    if (bytesLeaf === undefined) return records;
    const isFull = this.#file.isFull(group, bytesLeaf);
    const isUnclear = !isFull && records.some((record) => picturesOf(record).some((picture) => picture.path === null));
    const read = isUnclear ? await this.#file.read(["images"], rows) : undefined;
    for (const [at, record] of records.entries()) {
      const known = read === undefined ? undefined : picturesOf(this.#columns.record(read[at]!));
      for (const [index, picture] of picturesOf(record).entries())
        if (isFull || (known?.[index]?.bytes ?? null) !== null) picture.bytes = UNREAD;
    }
    return records;
  }

  #judge(record: Record<string, unknown>, row: number): CorpusRow {
    try {
      return { row, sample: parseSample(record, { file: this.#file.path, row }), problem: null, raw: null };
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      return { row, sample: null, problem: error.message, raw: JSON.stringify(record, shown, 1) };
    }
  }
}

interface StoredPicture {
  bytes: Uint8Array | null;
  readonly path: string | null;
}

function picturesOf({ images }: Record<string, unknown>): StoredPicture[] {
  return Array.isArray(images) ? (images as (StoredPicture | null)[]).filter((image) => image !== null) : [];
}

/** Pictures have no place in the text of a row. */
function shown(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? "bytes" : value;
}

/** The name of a value in the lists to choose from. */
function named(value: unknown): string {
  return typeof value === "string" ? value : "none";
}

function range({ from, to }: RowGroup): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** Whether a text in a value contains `wanted`, which is in lower case. */
function contains(value: unknown, wanted: string): boolean {
  if (typeof value === "string") return value.toLowerCase().includes(wanted);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  return Object.values(value).some((inside) => contains(inside, wanted));
}
