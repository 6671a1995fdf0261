/**
 * Draws training samples by their difficulty: those that the policy answers rightly now and then are drawn more often
 * than those that it always or never does, as a group of equal rewards has no signal.
 *
 *   passes ← decay · passes + Σ accuracy      per judged group of the sample
 *   answers ← decay · answers + k             k: its scored answers
 *   rate = passes / answers                   an exponential average over groups
 *   weight = entries · (1 if band[0] ≤ rate ≤ band[1], or if it was never drawn; else `outside`)
 *   share of source s = floor + (1 - S · floor) · Σ weight in s / Σ weight      S: sources that have a usable sample
 *
 * Sources take turns so that each has its share to within one draw (smooth weighted round-robin). Within a source a
 * sample is drawn in proportion to its weight, none twice in a step unless the source has no other. The draw at a
 * position is a function of the seed, the position and the state, and the state changes only between steps.
 *
 * Sources: prime-rl's DifficultyPoolSampler (its docs/algorithms.md, pull requests 3261 and 3266), which draws with
 * replacement by pools of a task's latest mean reward, with weight 1 for unseen tasks; the pass-rate tracker of
 * Reasoning360 (pull request 153), with an exponential average; verl's experimental AbstractCurriculumSampler, which is
 * told of every batch before it draws the next.
 *
 * Deviations: the mean runs over several groups, because 8 answers are a noisy measure; accuracy counts, not reward, so
 * that a change of ratios or penalties does not move the band; sources have a floor; no sample comes twice in a step.
 */
import { ConfigError } from "@v-triune/errors";
import { createRandom, type SeededRandom } from "@v-triune/rollouts";
import { RunFolderError } from "../run-folder/run-folder-error";
import type { DifficultyConfig } from "../config/training-config";
import type { Draw, SourceRows } from "./training-data";

/** What is known of each sample. Float32, as checkpoints hold it, so that a resumed run computes with the same numbers. */
export interface DifficultyState {
  /** By row: decayed sum of accuracies. */
  readonly passes: Float32Array;
  /** By row: decayed number of scored answers; 0 for a sample without any, -1 for one that cannot be used. */
  readonly answers: Float32Array;
  /** By source: the share of a draw that it is owed. */
  readonly credits: Float32Array;
}

/** The samples of a source, or of all. */
export interface PoolCounts {
  readonly unseen: number;
  readonly belowBand: number;
  readonly inBand: number;
  readonly aboveBand: number;
  /** Rows that cannot be used. */
  readonly leftOut: number;
}

/** What a step's draws were, and what is known after it. */
export interface SamplingReport {
  readonly sources: Readonly<Record<string, PoolCounts & { readonly draws: number; readonly withSignal: number }>>;
}

/** Streams of the run's seed for the draws, one per position. */
const DRAW_STREAM = 1_000_000_000;
/** Draws of rows that came before in the step, until they are taken out of the source's list. */
const MOST_REPEATS = 8;

/** Rows of one source, to draw from. */
interface Pool {
  readonly rows: Int32Array;
  /** Running sum of the weights of `rows`. */
  readonly sums: Float64Array;
}

export class DifficultySampler {
  readonly #rows: SourceRows;
  readonly #config: DifficultyConfig;
  readonly #seed: number;
  /** Rows of each source that the configured weights and caps let in. */
  readonly #bySource: readonly Int32Array[];
  #state: DifficultyState;
  #position = 0;
  /** Drawn since the state changed. */
  #drawn = new Set<number>();
  #pools: (Pool | undefined)[] = [];
  #shares: Float64Array | undefined;

  /** @throws ConfigError if the floors of all sources are more than 1 */
  constructor(rows: SourceRows, config: DifficultyConfig, seed: number) {
    this.#rows = rows;
    this.#config = config;
    this.#seed = seed;
    const lists: number[][] = rows.sources.map(() => []);
    for (const [row, entries] of rows.entries.entries()) if (entries > 0) lists[rows.sourceOf[row]!]!.push(row);
    this.#bySource = lists.map((list) => Int32Array.from(list));
    const used = lists.filter((list) => list.length > 0).length;
    if (config.floor * used > 1 + 1e-9) throw floorError(config.floor, used);
    this.#state = {
      passes: new Float32Array(rows.entries.length),
      answers: new Float32Array(rows.entries.length),
      credits: new Float32Array(rows.sources.length),
    };
  }

  get position(): number {
    return this.#position;
  }

  /** A copy. */
  get state(): DifficultyState {
    const { passes, answers, credits } = this.#state;
    return { passes: passes.slice(), answers: answers.slice(), credits: credits.slice() };
  }

  /**
   * Goes on from a place, at which a step begins.
   *
   * @throws RunFolderError for a state of other data
   */
  restore(position: number, { passes, answers, credits }: DifficultyState): void {
    const { entries, sources } = this.#rows;
    if (answers.length !== entries.length || credits.length !== sources.length)
      throw otherDataError([answers.length, credits.length], [entries.length, sources.length]);
    this.#position = position;
    this.#state = { passes: passes.slice(), answers: answers.slice(), credits: credits.slice() };
    this.#beginStep();
  }

  /**
   * The next rows. Without an `observe` in between, none comes twice unless its source has no other.
   *
   * @returns fewer than `count`, or none, if no row is left that can be used
   */
  draw(count: number): Draw[] {
    const draws: Draw[] = [];
    for (let i = 0; i < count; i++) {
      const random = createRandom(this.#seed, DRAW_STREAM + this.#position);
      const row = this.#drawRow(random);
      if (row === undefined) break;
      draws.push({ row, position: this.#position });
      this.#position += 1;
    }
    return draws;
  }

  /** A row that turned out not to be usable is not drawn again. */
  leaveOut(row: number): void {
    this.#state.answers[row] = -1;
    this.#state.passes[row] = 0;
  }

  /** Takes in the accuracies of a step's scored answers, group by group. The next draws are by what is known then. */
  observe(groups: Iterable<readonly [row: number, accuracies: readonly number[]]>): void {
    const { passes, answers } = this.#state;
    const { decay } = this.#config;
    for (const [row, accuracies] of groups) {
      if (accuracies.length === 0) continue;
      passes[row] = decay * passes[row]! + accuracies.reduce((sum, accuracy) => sum + accuracy, 0);
      answers[row] = decay * answers[row]! + accuracies.length;
    }
    this.#beginStep();
  }

  /** The samples of each source by what is known of them. */
  counts(): Record<string, PoolCounts> {
    const [low, high] = this.#config.band;
    const result: Record<string, PoolCounts> = {};
    for (const [source, rows] of this.#bySource.entries()) {
      const counts = { unseen: 0, belowBand: 0, inBand: 0, aboveBand: 0, leftOut: 0 };
      for (const row of rows) {
        const rate = this.#rate(row);
        if (rate === undefined) counts[this.#state.answers[row]! < 0 ? "leftOut" : "unseen"] += 1;
        else counts[rate < low ? "belowBand" : rate > high ? "aboveBand" : "inBand"] += 1;
      }
      result[this.#rows.sources[source]!] = counts;
    }
    return result;
  }

  #beginStep(): void {
    this.#drawn = new Set();
    this.#pools = [];
    this.#shares = undefined;
  }

  /** undefined for a row without a scored answer. */
  #rate(row: number): number | undefined {
    const answers = this.#state.answers[row]!;
    return answers > 0 ? this.#state.passes[row]! / answers : undefined;
  }

  #weight(row: number): number {
    if (this.#state.answers[row]! < 0) return 0;
    const rate = this.#rate(row);
    const [low, high] = this.#config.band;
    const isWanted = rate === undefined || (rate >= low && rate <= high);
    return this.#rows.entries[row]! * (isWanted ? 1 : this.#config.outside);
  }

  #drawRow(random: SeededRandom): number | undefined {
    const { credits } = this.#state;
    for (;;) {
      const shares = (this.#shares ??= this.#sourceShares());
      let next = -1;
      for (const [source, share] of shares.entries()) {
        if (share === 0) continue;
        credits[source] = credits[source]! + share;
        if (next < 0 || credits[source]! > credits[next]!) next = source;
      }
      if (next < 0) return undefined;
      credits[next] = credits[next]! - 1;
      const row = this.#drawFrom(next, random);
      if (row !== undefined) return row;
      // The source's last row was left out in this step.
      this.#shares = undefined;
    }
  }

  #drawFrom(source: number, random: SeededRandom): number | undefined {
    for (let repeats = 1; ; repeats++) {
      const { rows, sums } = (this.#pools[source] ??= this.#pool(source));
      const total = sums.at(-1);
      if (total === undefined) return undefined;
      const row = rows[firstAbove(sums, fraction(random) * total)]!;
      if (!this.#drawn.has(row)) {
        this.#drawn.add(row);
        return row;
      }
      if (repeats % MOST_REPEATS === 0) this.#pools[source] = undefined;
    }
  }

  /** The rows of a source that are not yet drawn in this step; all of them again if there is no other. */
  #pool(source: number): Pool {
    const usable = this.#bySource[source]!.filter((row) => this.#state.answers[row]! >= 0);
    const left = usable.filter((row) => !this.#drawn.has(row));
    if (left.length === 0) for (const row of usable) this.#drawn.delete(row);
    const rows = left.length === 0 ? usable : left;
    let sum = 0;
    const sums = Float64Array.from(rows, (row) => (sum += this.#weight(row)));
    // With `outside: 0` all that is left may weigh nothing, and the source still has its share.
    return { rows, sums: sum > 0 ? sums : Float64Array.from(rows, (_, index) => index + 1) };
  }

  /** Shares of the draws, by source. They sum to 1 unless no row can be used. */
  #sourceShares(): Float64Array {
    const usable = this.#bySource.map((rows) => rows.some((row) => this.#state.answers[row]! >= 0));
    const count = usable.filter(Boolean).length;
    const weights = this.#bySource.map((rows) => rows.reduce((sum, row) => sum + this.#weight(row), 0));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const { floor } = this.#config;
    return Float64Array.from(weights, (weight, source) => {
      if (!usable[source]) return 0;
      return floor + (1 - count * floor) * (total > 0 ? weight / total : 1 / count);
    });
  }
}

/** The first index whose running sum is above `value`. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A number in [0, 1) with 53 random bits. */
function fraction(random: SeededRandom): number {
  return (random.int(0, 2 ** 26 - 1) * 2 ** 27 + random.int(0, 2 ** 27 - 1)) / 2 ** 53;
}

type Size = readonly [rows: number, sources: number];

function otherDataError(saved: Size, found: Size): RunFolderError {
  const text = ([rows, sources]: Size): string => `${rows} rows of ${sources} sources`;
  return new RunFolderError({
    what: "The training data are no longer those of the checkpoint.",
    where: "data.train",
    expected: `${text(saved)}, whose difficulty the checkpoint has`,
    found: text(found),
    fix: "bring back the files as they were, or start a new run",
  });
}

function floorError(floor: number, sources: number): ConfigError {
  return new ConfigError({
    what: "The sources' floors are more than all draws.",
    where: "data.sampling.difficulty.floor",
    expected: `at most 1 / ${sources}, as the data sets have ${sources} sources`,
    found: `${floor}, which is ${Math.round(floor * sources * 100)} % together`,
    fix: `set it to ${(Math.floor((1 / sources) * 1000) / 1000).toString()} or less`,
  });
}
