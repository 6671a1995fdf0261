/**
 * What a corpus that is already made has of benchmarks: its files are read once, and pictures are compared as they
 * pass. Memory holds the benchmarks and the rows with a hit.
 */
import { availableParallelism } from "node:os";
import { BIGINT, VARCHAR } from "@duckdb/node-api";
import type { DatasetError, Sample } from "@v-triune/schema";
import { openDatabase, queryRows, type DatabaseOptions } from "../duckdb/database";
import { readSamples } from "../samples/read-samples";
import { createTable } from "../tables/curation-tables";
import { TableAppender } from "../tables/fill-table";
import { ContaminationFinder, type ContaminationHit } from "./contamination-finder";
import { contaminationReport, fillHits, HITS, ITEMS, writeHits, type ContaminationReport } from "./contamination-hits";
import { comparisonOf, type DecontaminateConfig } from "./decontaminate-config";
import { lookAt } from "./picture-look";
import { openReferences, type References, type ReferenceSet } from "./references";

/** What is compared, and where all hits go. */
export interface FindContaminationOptions extends DatabaseOptions, Pick<DecontaminateConfig, "text" | "pictures"> {
  readonly benchmarks: readonly ReferenceSet[];
  /** A Parquet file for all hits, both sides of each. Default: none is written. */
  readonly output?: string;
  /** Called for each row that cannot be read. Default: such a row is an error. */
  readonly onBadRow?: (error: DatasetError) => void;
  readonly onProgress?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

/** What was found. */
export interface FoundContamination extends ContaminationReport {
  /** Rows that were compared. */
  readonly read: number;
  /** The first hits, both sides of each. */
  readonly examples: readonly ContaminationExample[];
}

/** A row of the corpus and the question of a benchmark that has its text or picture. */
export interface ContaminationExample {
  readonly source: string;
  readonly id: string;
  readonly question: string;
  readonly benchmark: string;
  readonly benchmarkId: string;
  readonly benchmarkQuestion: string;
  readonly kind: "text" | "picture";
  /** 0..1. */
  readonly similarity: number;
}

const EXAMPLES = 20;
const CORPUS = "contaminated_rows";
const CORPUS_COLUMNS = { row: BIGINT, source: VARCHAR, id: VARCHAR, question: VARCHAR };

/**
 * Compares a corpus in the Orsta layout with benchmarks. Files of another layout are compared by `curate` with
 * `decontaminate`.
 *
 * ```ts
 * const { rows, read } = await findContamination("corpus/*.parquet", { benchmarks });
 * ```
 * @param paths files, folders or globs
 * @throws DatasetError for a file that cannot be read, or an option that cannot be used
 */
export async function findContamination(
  paths: string | readonly string[],
  options: FindContaminationOptions,
): Promise<FoundContamination> {
  const { benchmarks, text = "ngram", pictures = true, output, signal } = options;
  const comparison = comparisonOf({ benchmarks: "given", text, pictures });
  const references = await openReferences(benchmarks, comparison, signal);
  const finder = new ContaminationFinder(references, comparison.text);
  const database = await openDatabase(options);
  try {
    await createTable(database.writer, CORPUS, CORPUS_COLUMNS);
    const corpus = await TableAppender.open(database.writer, CORPUS, CORPUS_COLUMNS);
    const count = { read: 0 };
    try {
      await fillHits(
        database,
        references,
        finder,
        compareSamples(paths, { options, references, finder, corpus, count }),
      );
      corpus.flush();
    } finally {
      corpus.close();
    }
    if (output !== undefined) await writeHits(database.connection, CORPUS, output);
    const examples = await queryRows(
      database.connection,
      `SELECT r.source, r.id, r.question, benchmark, i.id AS "benchmarkId", i.question AS "benchmarkQuestion", kind, similarity
       FROM ${HITS} h JOIN ${CORPUS} r USING (row) JOIN ${ITEMS} i USING (item)
       ORDER BY similarity DESC, h.row, h.item, kind LIMIT ${EXAMPLES}`,
    );
    return {
      ...(await contaminationReport(database.connection, references)),
      read: count.read,
      examples: examples as unknown as ContaminationExample[],
    };
  } finally {
    database.close();
  }
}

interface Comparing {
  readonly options: FindContaminationOptions;
  readonly references: References;
  readonly finder: ContaminationFinder;
  /** Takes the rows that have a hit. */
  readonly corpus: TableAppender;
  readonly count: { read: number };
}

async function* compareSamples(
  paths: string | readonly string[],
  { options, references, finder, corpus, count }: Comparing,
): AsyncGenerator<ContaminationHit & { readonly row: number }> {
  const { onBadRow, onProgress, signal, memoryLimit, threads } = options;
  const waiting: { readonly row: number; readonly sample: Sample; readonly hits: Promise<ContaminationHit[]> }[] = [];
  const next = async (): Promise<(ContaminationHit & { row: number })[]> => {
    const { row, sample, hits } = waiting.shift() as (typeof waiting)[number];
    const found = await hits;
    if (found.length > 0)
      corpus.add({
        row: BigInt(row),
        source: sample.data_source,
        id: sample.extra_info.id ?? `${row}`,
        question: questionOf(sample),
      });
    return found.map((hit) => ({ ...hit, row }));
  };
  const samples = readSamples(paths, {
    columns: [
      "data_source",
      "prompt",
      "reward_model",
      "extra_info",
      ...(references.pictures === null ? [] : ["images" as const]),
    ],
    memoryLimit,
    threads,
    ...(onBadRow === undefined ? {} : { onBadRow }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const sample of samples) {
    signal?.throwIfAborted();
    const row = count.read++;
    const texts = finder.text(
      questionOf(sample),
      `${sample.reward_model.ground_truth}\n${sample.extra_info.image_path ?? ""}`,
    );
    const looks = Promise.all(
      sample.images.map(({ bytes, path }) =>
        (bytes ?? path) === null ? null : lookAt((bytes ?? path) as Uint8Array | string),
      ),
    );
    // Pictures are not kept while others are decoded.
    waiting.push({ row, sample: { ...sample, images: [] }, hits: looks.then((list) => finder.hits(texts, list)) });
    if (count.read % 256 === 0) onProgress?.(count.read);
    if (waiting.length >= 2 * availableParallelism()) yield* await next();
  }
  while (waiting.length > 0) yield* await next();
  onProgress?.(count.read);
}

/** What the user says, without boxes' forms: for boxes the prompt is a template of many wordings. */
function questionOf({ prompt, reward_model: { verifier } }: Sample): string {
  if (verifier === "detection") return "";
  return prompt.flatMap(({ role, content }) => (role === "user" ? [content] : [])).join("\n");
}
