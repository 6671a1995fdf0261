/**
 * The data of a run: Parquet sets, drawn in a seeded order, prepared for the model. A row that can't be used is left
 * out, told and counted, unless the run is strict.
 */
import { type RowStoreNotice, type SampleSet, type SampleSetOptions, openSampleSet } from "@v-triune/data-filters";
import { type PreparedPrompt, type PromptMaker, createRandom, isSampleError } from "@v-triune/rollouts";
import { DatasetError } from "@v-triune/schema";
import type { DataSetConfig } from "../config/training-config";
import { type Reasons, createReasons } from "./bad-row-reasons";
import { createSampleOrder } from "./sample-order";

export interface TrainingDataOptions {
  readonly sets: readonly DataSetConfig[];
  readonly seed: number;
  readonly makePrompt: PromptMaker;
  readonly verifiers: readonly string[];
  readonly strict: boolean;
  readonly onBadRow: (message: string) => void;
  /**
   * Large sets are copied to where a row can be read alone, and this is told of it; without it they are read from
   * Parquet as they are.
   */
  readonly onRowStore?: ((notice: RowStoreNotice) => void) | undefined;
}

/** Prompts from one position of the order on. */
export interface TrainingBatch {
  readonly prompts: readonly PreparedPrompt[];
  /** Where the order goes on behind them. */
  readonly position: number;
  /** Rows that were left out on the way, and why. */
  readonly badRows: readonly string[];
}

/** A row at a position of the order. The position decides what is drawn for it besides, such as the prompt pool's sentence. */
export interface Draw {
  readonly row: number;
  readonly position: number;
}

/** What the sets hold, by row, in numbers that pass between threads. */
export interface SourceRows {
  readonly sources: readonly string[];
  /** The source of each row, as an index of `sources`. */
  readonly sourceOf: Uint16Array;
  /** How often an epoch has each row, by its set's weight and cap. */
  readonly entries: Uint16Array;
}

/**
 * The endless stream of training prompts. What lies at a position is a function of the files and the seed, however
 * often it is asked for.
 */
export interface TrainingSource {
  /** Rows in the files, before weights and caps. */
  readonly length: number;
  readonly sources: readonly string[];
  readonly rows: SourceRows;
  /** The prompts at the next positions of the seeded order. */
  batch(position: number, count: number): Promise<TrainingBatch>;
  /** The prompts of given rows; for a row that can't be used the reason. */
  prompts(draws: readonly Draw[]): Promise<readonly (PreparedPrompt | string)[]>;
  close(): void;
}

/** Streams of the run's seed for the prompt pool, one a position. */
const promptStream = 3_000_000;

/** @throws DatasetError when files are missing, damaged or hold no usable sample */
export async function openTrainingSource(options: Omit<TrainingDataOptions, "onBadRow">): Promise<TrainingSource> {
  const opened: { config: DataSetConfig; set: SampleSet; first: number }[] = [];
  let length = 0;
  for (const config of options.sets) {
    const set = await openSampleSet(config.path, { verifiers: options.verifiers, ...rowStore(options) });
    opened.push({ config, set, first: length });
    length += set.length;
  }
  const close = () => opened.forEach(({ set }) => set.close());
  if (length === 0) {
    close();
    throw new DatasetError({
      code: "bad-value",
      file: options.sets.map(({ path }) => path).join(", "),
      expected: "at least one sample",
      found: "none",
      fix: "check what v-triune curate kept and why (report.json beside the files)",
    });
  }
  const order = createSampleOrder(
    opened.map(({ config, set, first }) => ({ first, length: set.length, weight: config.weight, cap: config.cap })),
    options.seed,
  );
  const at = (row: number) => {
    const found = opened.findLast(({ first }) => first <= row);
    if (!found) throw new RangeError(`row ${row} of ${length}`);
    return { set: found.set, index: row - found.first };
  };
  const rows = sourceRows(opened, order.entries);
  const prompts: TrainingSource["prompts"] = async (draws) => {
    const read = await readRows(draws.map(({ row }) => at(row)));
    const prepared: (PreparedPrompt | string)[] = [];
    for (const [index, { row, position }] of draws.entries()) {
      const { set, index: inSet } = at(row);
      const random = createRandom(options.seed, promptStream + position);
      let reason = "";
      const onBadRow = (message: string): void => void (reason = message);
      prepared.push((await prepare(read[index]!, set, inSet, random, { ...options, onBadRow })) ?? reason);
    }
    return prepared;
  };
  return {
    length,
    sources: rows.sources,
    rows,
    prompts,
    close,
    async batch(from, count) {
      const found: PreparedPrompt[] = [];
      const badRows: string[] = [];
      const reasons = createReasons();
      let next = from;
      // Two epochs without one usable row: nothing will change.
      const limit = from + 2 * order.epochLength + count;
      while (found.length < count) {
        if (next >= limit && found.length === 0) throw noneUsable(options.sets, reasons);
        const wanted = count - found.length;
        const draws = Array.from({ length: wanted }, (_, index) => ({
          row: order.at(next + index),
          position: next + index,
        }));
        for (const prompt of await prompts(draws)) {
          if (typeof prompt !== "string") found.push(prompt);
          else {
            badRows.push(prompt);
            reasons.add(prompt);
          }
        }
        next += wanted;
      }
      return { prompts: found, position: next, badRows };
    },
  };
}

function sourceRows(
  opened: readonly { readonly set: SampleSet; readonly first: number }[],
  drawn: readonly number[],
): SourceRows {
  const indexes = new Map<string, number>();
  const length = opened.reduce((sum, { set }) => sum + set.length, 0);
  const sourceOf = new Uint16Array(length);
  for (const { set, first } of opened)
    for (let row = 0; row < set.length; row++) {
      const source = set.sourceOf(row);
      if (!indexes.has(source)) indexes.set(source, indexes.size);
      sourceOf[first + row] = indexes.get(source)!;
    }
  const entries = new Uint16Array(length);
  for (const row of drawn) entries[row] = entries[row]! + 1;
  return { sources: [...indexes.keys()], sourceOf, entries };
}

/**
 * Every sample of the evaluation sets, at most `samplesPerSource` of each source (a seeded choice), in the order of the
 * files.
 */
export async function openEvaluationData(
  options: TrainingDataOptions & { readonly samplesPerSource: number | null },
): Promise<{ readonly length: number; batches(size: number): AsyncGenerator<PreparedPrompt[]>; close(): void }> {
  const set = await openSampleSet(
    options.sets.map(({ path }) => path),
    { verifiers: options.verifiers, ...rowStore(options) },
  );
  const bySource = new Map<string, number[]>();
  for (let row = 0; row < set.length; row++) {
    const source = set.sourceOf(row);
    bySource.set(source, [...(bySource.get(source) ?? []), row]);
  }
  const rows = [...bySource.values()]
    .flatMap((all) =>
      options.samplesPerSource === null
        ? all
        : createRandom(options.seed, promptStream - 1).sample(all, options.samplesPerSource),
    )
    .sort((a, b) => a - b);
  return {
    length: rows.length,
    close: () => set.close(),
    async *batches(size) {
      for (let from = 0; from < rows.length; from += size) {
        const indexes = rows.slice(from, from + size);
        const read = await set.read(indexes);
        const prompts: PreparedPrompt[] = [];
        for (const [at, row] of read.entries()) {
          const index = indexes[at] as number;
          const prompt = await prepare(row, set, index, createRandom(options.seed, promptStream + index), options);
          if (prompt) prompts.push(prompt);
        }
        yield prompts;
      }
    },
  };
}

function rowStore({ onRowStore }: Pick<TrainingDataOptions, "onRowStore">): SampleSetOptions {
  return onRowStore ? { rowStore: { tell: onRowStore } } : {};
}

type Row = Awaited<ReturnType<SampleSet["read"]>>[number];

async function readRows(places: readonly { set: SampleSet; index: number }[]): Promise<Row[]> {
  const rows = new Map<SampleSet, Row[]>();
  for (const set of new Set(places.map((place) => place.set))) {
    rows.set(set, await set.read(places.filter((place) => place.set === set).map(({ index }) => index)));
  }
  return places.map(({ set }) => rows.get(set)?.shift() as Row);
}

async function prepare(
  row: Row,
  set: SampleSet,
  index: number,
  random: ReturnType<typeof createRandom>,
  { makePrompt, strict, onBadRow }: TrainingDataOptions,
): Promise<PreparedPrompt | undefined> {
  try {
    if (row instanceof DatasetError) throw row;
    const place = set.placeOf(index);
    const id = `${row.data_source}/${row.extra_info.id ?? `${place.file}:${place.row}`}`;
    return await makePrompt(row, id, random);
  } catch (error) {
    const ofThisRow = error instanceof DatasetError || isSampleError(error);
    if (strict || !ofThisRow) throw error;
    onBadRow(error.message);
    return undefined;
  }
}

/** Thrown when rows were drawn and none could be used. */
export function noneUsable(sets: readonly Pick<DataSetConfig, "path">[], reasons: Reasons): DatasetError {
  return new DatasetError({
    code: "bad-value",
    file: sets.map(({ path }) => path).join(", "),
    expected: "at least one sample that can be used",
    found: `no sample that can be used\n${reasons.format()}`,
    fix: "fix what the messages name, or raise rollout.maxPromptTokens or lower rollout.maxNewTokens if prompts are too long",
  });
}
