/** Compares rows of a run with the benchmarks of its configuration; `rows` gains `contamination`. */
import { availableParallelism } from "node:os";
import { DatasetError } from "@v-triune/schema";
import { adapterFor } from "../adapters/index";
import { ContaminationFinder, type ContaminationHit } from "../contamination/contamination-finder";
import { BEST_HIT, fillHits } from "../contamination/contamination-hits";
import { comparisonOf, type DecontaminateConfig } from "../contamination/decontaminate-config";
import { lookAt, type PictureLook } from "../contamination/picture-look";
import {
  openReferences,
  type ReferenceQuestion,
  type References,
  type ReferenceSet,
} from "../contamination/references";
import { plainRows, readChunks } from "../duckdb/read-chunks";
import { readPictureBytes, type PictureReference } from "../pictures/picture-reference";
import { joinToRows } from "../tables/curation-tables";
import type { CurationRun } from "./curation-run";

/** Pictures that are remembered, so that ten questions about one picture decode it once. */
const REMEMBERED = 10_000;

/**
 * Adds `contamination` to `rows`, for the rows of `relation`.
 *
 * @throws DatasetError for a benchmark that cannot be read
 */
export async function addContamination(run: CurationRun, relation: string): Promise<void> {
  const { bound, options, database } = run;
  const config = bound.config.decontaminate as DecontaminateConfig;
  const comparison = comparisonOf(config);
  const sets = [...benchmarkSets(config, options.benchmarks), ...ownSets(run, config)];
  const references = await openReferences(sets, comparison, options.signal);
  const finder = new ContaminationFinder(references, comparison.text);
  await fillHits(database, references, finder, compareRows(run, relation, references, finder));
  await joinToRows(database.connection, { relation: BEST_HIT, add: { contamination: "best" } });
  run.found.references = references;
}

function benchmarkSets(
  { benchmarks }: DecontaminateConfig,
  given: readonly ReferenceSet[] | undefined,
): readonly ReferenceSet[] {
  if (benchmarks === undefined) return [];
  if (given !== undefined && given.length > 0) return given;
  throw new DatasetError({
    code: "bad-option",
    field: "decontaminate.benchmarks",
    expected: "the questions of the benchmarks, as an argument",
    found: "none",
    fix: "run v-triune curate, which reads them, or pass curate(config, { benchmarks })",
  });
}

/** Files of the person's own, through the source adapters. */
function ownSets({ database, options, spool }: CurationRun, { sources = [] }: DecontaminateConfig): ReferenceSet[] {
  return sources.map(({ source, path, settings = {}, limit = Number.POSITIVE_INFINITY }) => {
    const adapter = adapterFor(source, settings, options.adapters);
    async function* questions(): AsyncGenerator<ReferenceQuestion> {
      let count = 0;
      for (const folder of typeof path === "string" ? [path] : path) {
        const rows = adapter.read({
          folder: folder.replace(/\/+$/, ""),
          connection: database.connection,
          settings,
          signal: options.signal,
          spool: (bytes, name) => spool.add(bytes, name),
          // A record that cannot be used has nothing to compare; curate counts those of the corpus only.
          bad: () => undefined,
        });
        for await (const { id, question, pictures } of rows) {
          if (count++ >= limit) return;
          yield { id, question, pictures: async () => pictures.flatMap((picture) => bytesOf(picture) ?? []) };
        }
      }
    }
    return { name: adapter.info.key, questions };
  });
}

function bytesOf(picture: PictureReference): Uint8Array | null {
  try {
    return readPictureBytes(picture);
  } catch {
    // As for a picture that does not decode.
    return null;
  }
}

async function* compareRows(
  { database, options }: CurationRun,
  relation: string,
  references: References,
  finder: ContaminationFinder,
): AsyncGenerator<ContaminationHit & { readonly row: number }> {
  const look = rememberingLooks();
  const concurrency = 2 * availableParallelism();
  const waiting: { readonly row: number; readonly hits: Promise<ContaminationHit[]> }[] = [];
  let done = 0;
  const next = async (): Promise<(ContaminationHit & { row: number })[]> => {
    const { row, hits } = waiting.shift() as (typeof waiting)[number];
    const found = (await hits).map((hit) => ({ ...hit, row }));
    if (++done % 256 === 0) options.onProgress?.({ phase: "rules", what: "comparing with benchmarks", rows: done });
    return found;
  };
  const sql = `SELECT row, question, answer, pictures FROM ${relation} ORDER BY row`;
  for await (const chunk of readChunks(database.connection, sql, { signal: options.signal })) {
    for (const [row, question, answer, pictures] of plainRows(chunk)) {
      options.signal?.throwIfAborted();
      const texts = finder.text(String(question ?? ""), `${String(answer)}\n${String(pictures)}`);
      if (references.pictures === null) {
        for (const hit of finder.hits(texts, [])) yield { ...hit, row: Number(row) };
        continue;
      }
      const shown = JSON.parse(String(pictures)) as PictureReference[];
      const hits = Promise.all(shown.map(look)).then((looks) => finder.hits(texts, looks));
      waiting.push({ row: Number(row), hits });
      if (waiting.length >= concurrency) yield* await next();
    }
  }
  while (waiting.length > 0) yield* await next();
}

function rememberingLooks(): (picture: PictureReference) => Promise<PictureLook | null> {
  const known = new Map<string, Promise<PictureLook | null>>();
  return (picture) => {
    const key = `${picture.file} ${picture.offset ?? ""} ${picture.member ?? ""}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const bytes = bytesOf(picture);
    const now = bytes === null ? Promise.resolve(null) : lookAt(bytes);
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value as string);
    known.set(key, now);
    return now;
  };
}
