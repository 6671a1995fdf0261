/** Fifth step of a curation: the kept rows become samples in Parquet files. */
import { join } from "node:path";
import { parquetFileName, type Sample, type SourceInfo } from "@v-triune/schema";
import { writeSamples } from "../samples/write-samples";
import { buildSample } from "./build-sample";
import type { CurationRun } from "./curation-run";
import { countKeptRows, keptRows, type PlacedRow } from "./kept-rows";
import type { FileReport } from "./report";

/** Sources that share a file for each split: those of one task and file name, such as PuzzleVQA and AlgoPuzzleVQA. */
interface FileGroup {
  readonly info: SourceInfo;
  /** Positions of the sources in the configuration. */
  readonly parts: number[];
  readonly copies: number;
}

/**
 * Rows that are collected before their samples are written. More of them are streamed, which needs no memory but writes
 * the samples twice: in parts, and then as one file.
 */
const MOST_COLLECTED = 50_000;
/** Samples between two reports of progress. */
const PROGRESS_SAMPLES = 64;

/** Writes the files of every group that has a row. */
export async function writeCorpus(run: CurationRun): Promise<FileReport[]> {
  const files: FileReport[] = [];
  for (const group of fileGroups(run)) {
    for (const split of ["train", "test"] as const) {
      const file = await writeFile(run, split, split === "train" ? group : { ...group, copies: 1 });
      if (file !== null) files.push(file);
    }
  }
  return files;
}

function fileGroups({ bound }: CurationRun): FileGroup[] {
  const groups = new Map<string, FileGroup>();
  for (const [part, { adapter, config }] of bound.sources.entries()) {
    const { info } = adapter;
    const copies = config.copies ?? 1;
    const key = `${info.task}/${info.fileSource}/${copies}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { info, parts: [part], copies });
    else group.parts.push(part);
  }
  return [...groups.values()];
}

async function writeFile(
  { bound, options, output, database }: CurationRun,
  split: "train" | "test",
  { info, parts, copies }: FileGroup,
): Promise<FileReport | null> {
  const { signal } = options;
  const hasTags = bound.rules.some(({ action }) => action === "tag");
  const rows = { split, parts, ...(hasTags ? { tags: bound.rules.map((rule) => rule.name) } : {}) };
  const count = await countKeptRows(database.connection, rows);
  if (count === 0) return null;
  const name = parquetFileName({ split, task: info.task, source: info.fileSource, count, copies });
  const report = (done: number): void =>
    options.onProgress?.({ phase: "write", what: name, rows: done, of: count * copies });
  let done = 0;
  const sampleOf = (row: PlacedRow): Sample => {
    if (++done % PROGRESS_SAMPLES === 0) report(done);
    return buildSample(row, bound.sources[row.part]?.adapter.info ?? info, bound.seed);
  };
  async function* streamed(): AsyncGenerator<Sample> {
    for (let copy = 0; copy < copies; copy++)
      for await (const row of keptRows(database.connection, rows, signal)) yield sampleOf(row);
  }
  const samples = count > MOST_COLLECTED ? streamed() : await collected();
  async function collected(): Promise<Iterable<Sample>> {
    const all: PlacedRow[] = [];
    for await (const row of keptRows(database.connection, rows, signal)) all.push(row);
    return (function* (): Generator<Sample> {
      for (let copy = 0; copy < copies; copy++) for (const row of all) yield sampleOf(row);
    })();
  }
  const written = await writeSamples(join(output.partial, name), samples, {
    memoryLimit: bound.config.memoryLimit,
    threads: bound.config.threads,
    answerParameters: parts.some((part) => bound.sources[part]?.adapter.info.answerType !== undefined),
    tags: hasTags,
    ...(signal === undefined ? {} : { signal }),
  });
  report(count * copies);
  return {
    name,
    task: info.task,
    sources: [...new Set(parts.map((part) => bound.sources[part]?.adapter.info.key ?? ""))],
    samples: written.rows / copies,
    copies,
    bytes: written.bytes,
    contentHash: written.contentHash,
  };
}
