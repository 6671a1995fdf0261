/**
 * Divides a memory limit between DuckDB and the rest of the process, so that a run stays under its limit and 200 MB:
 * Node itself, the worker threads, and what DuckDB's allocator keeps beyond DuckDB's own limit.
 */
import type { DuckDBConnection } from "@duckdb/node-api";

/** What a run may take beyond its memory limit. */
const ALLOWANCE = 200e6;
/** What the heap and DuckDB's allocator grow by during a run. */
const GROWTH = 120e6;
/** A host program that is larger has a memory of its own. */
const LARGEST_BASE = 250e6;
/** Least bytes for DuckDB, if the limit is not smaller, without and with worker threads. */
const LEAST = 256e6;
const LEAST_BESIDE_WORKERS = 192e6;
/** One worker thread with its language database. */
const WORKER = 100e6;
/** Samples on their way into a file, as JavaScript and in the database that writes it. */
const WRITER = 150e6;

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** The memory of one run. */
export class MemoryBudget {
  readonly #connection: DuckDBConnection;
  /** Bytes of the limit; undefined if it is not in bytes, and DuckDB has all of it. */
  readonly #limit: number | undefined;
  readonly #database: number;

  private constructor(connection: DuckDBConnection, limit: number | undefined, database: number) {
    this.#connection = connection;
    this.#limit = limit;
    this.#database = database;
  }

  /** @param memoryLimit as DuckDB takes it, such as `500MB` */
  static async open(connection: DuckDBConnection, memoryLimit: string): Promise<MemoryBudget> {
    const limit = bytesOf(memoryLimit);
    const base = Math.min(process.memoryUsage().rss, LARGEST_BASE);
    const database = limit === undefined ? 0 : clamp(limit + ALLOWANCE - base - GROWTH, Math.min(limit, LEAST), limit);
    const budget = new MemoryBudget(connection, limit, database);
    await budget.#set(database);
    return budget;
  }

  /** The number of worker threads, at most `wanted`, that fit beside DuckDB; at least one. */
  workers(wanted: number): number {
    if (this.#limit === undefined) return wanted;
    const room = this.#database - this.#least;
    return clamp(Math.floor(room / WORKER), 1, wanted);
  }

  /** Gives DuckDB less while `work` runs with worker threads. */
  async withWorkers<T>(count: number, work: () => Promise<T>): Promise<T> {
    return this.#beside(count * WORKER, work);
  }

  /** Gives DuckDB less while `work` writes samples, and reads what it wrote. */
  async withWriter<T>(work: () => Promise<T>): Promise<T> {
    return this.#beside(WRITER, work);
  }

  async #beside<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#limit === undefined) return work();
    await this.#set(Math.max(this.#database - bytes, this.#least));
    try {
      return await work();
    } finally {
      await this.#set(this.#database);
    }
  }

  /** What DuckDB keeps beside worker threads. */
  get #least(): number {
    return Math.min(this.#database, LEAST_BESIDE_WORKERS);
  }

  async #set(bytes: number): Promise<void> {
    if (this.#limit === undefined) return;
    // DuckDB refuses a limit that it cannot move its tables below. Then the former limit stays.
    await this.#connection.run(`SET memory_limit = '${Math.floor(bytes / 1e6)}MB'`).catch(() => undefined);
  }
}

/** Bytes of a size such as `500MB` or `1.5 GiB`; undefined for another form. */
export function bytesOf(size: string): number | undefined {
  const match = /^\s*([\d.]+)\s*([KMGT]?i?B)\s*$/i.exec(size);
  const unit = UNITS[match?.[2]?.toUpperCase() ?? ""];
  const bytes = Number(match?.[1]) * (unit ?? Number.NaN);
  return Number.isFinite(bytes) ? bytes : undefined;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
