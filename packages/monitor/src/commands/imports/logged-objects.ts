/** What a trainer logged, read from the file of any of the forms that `import` knows. */
import { createReadStream } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { exactPath } from "@v-triune/node-kit/exact-path";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DashboardError } from "../../dashboard/dashboard-error";
import { inDuckDB } from "./in-duckdb";
import { parsePythonJson } from "./python-json";

/** A trainer_state.json is one JSON document; more is a file of lines. */
const LARGEST_DOCUMENT = 256 << 20;
const BYTE_ORDER_MARK = /^\uFEFF/;

/** One of the objects; `steps` is the number that the file plans, where it says so. */
export interface LoggedObject {
  /** undefined for a line that cannot be read. */
  readonly value: unknown;
  readonly steps?: number | undefined;
}

/**
 * @param run of a CSV file that W&B exported of several runs, the one to read
 * @throws DashboardError for a file that cannot be read as what its name says
 */
export async function* loggedObjects(path: string, run?: string): AsyncGenerator<LoggedObject> {
  const kind = extname(path).toLowerCase();
  if (kind === ".csv" || kind === ".parquet") {
    yield* tableRows(path, kind, run);
    return;
  }
  await refuseUtf16(path);
  if (kind === ".json" && (await stat(path)).size <= LARGEST_DOCUMENT) {
    const history = await documentHistory(path);
    if (history !== undefined) {
      yield* history;
      return;
    }
  }
  let isFirst = true;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const text = isFirst ? line.replace(BYTE_ORDER_MARK, "") : line;
    isFirst = false;
    if (text.trim() === "") continue;
    try {
      yield { value: parsePythonJson(text) };
    } catch {
      yield { value: undefined };
    }
  }
}

async function refuseUtf16(path: string): Promise<void> {
  const handle = await open(path);
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    const mark = buffer.readUInt16BE(0);
    if (mark === 0xfeff || mark === 0xfffe)
      throw new DashboardError({
        what: "The file is written in UTF-16.",
        where: path,
        expected: "UTF-8",
        fix: "save it as UTF-8",
      });
  } finally {
    await handle.close();
  }
}

/** The log_history of a trainer_state.json, or the elements of a list; undefined for lines. */
async function documentHistory(path: string): Promise<LoggedObject[] | undefined> {
  let document: unknown;
  try {
    document = parsePythonJson((await readFile(path, "utf8")).replace(BYTE_ORDER_MARK, ""));
  } catch {
    return undefined;
  }
  const history = Array.isArray(document) ? (document as unknown[]) : isRecord(document) && document.log_history;
  if (!Array.isArray(history)) return undefined;
  const planned = isRecord(document) ? document.max_steps : undefined;
  const steps = typeof planned === "number" && planned > 0 ? planned : undefined;
  return history.map((value: unknown) => ({ value, steps }));
}

/** The index column of a data frame, as DuckDB and pandas name it. */
const INDEX = /^(|column0|Unnamed: 0|__index_level_0__)$/;
/** Columns beside a metric in W&B's CSV: the extremes of what it drew. */
const EXTREME = /__(MIN|MAX)$/;

/** Rows of a table that W&B exported, or of its history artifact. */
async function* tableRows(path: string, kind: ".csv" | ".parquet", run?: string): AsyncGenerator<LoggedObject> {
  const read =
    kind === ".csv"
      ? "read_csv($path, header = true, all_varchar = true, hive_partitioning = false)"
      : "read_parquet($path, hive_partitioning = false)";
  const table = await inDuckDB(async (connection) => {
    const reader = await connection.runAndReadAll(`select * from ${read}`, { path: exactPath(path) });
    return { columns: reader.columnNames(), rows: reader.getRowsJson() as unknown[][] };
  }).catch((cause: Error) => {
    throw new DashboardError({
      what: "The table cannot be read.",
      where: path,
      found: cause.message.trim().split("\n")[0],
      fix: "export it again",
      cause,
    });
  });
  const names = columnNames(
    path,
    table.columns.map((name) => name.replace(BYTE_ORDER_MARK, "")),
    run,
  );
  for (const row of table.rows) {
    const entries = names.flatMap((name, index) =>
      name === null || row[index] === null || row[index] === "" ? [] : [[name, row[index]] as const],
    );
    yield { value: Object.fromEntries(entries) };
  }
}

/** Each column's metric; null for one that is left out. A chart's export names its columns "run - metric". */
function columnNames(path: string, columns: readonly string[], run?: string): (string | null)[] {
  if (!columns.includes("Step")) return columns.map((name) => (INDEX.test(name) ? null : name));
  const ofChart = columns.filter((name) => name.includes(" - ") && !EXTREME.test(name));
  const runs = [...new Set(ofChart.map((name) => name.slice(0, name.lastIndexOf(" - "))))];
  const chosen = run ?? (runs.length === 1 ? runs[0] : undefined);
  if (runs.length > 0 && (chosen === undefined || !runs.includes(chosen)))
    throw new DashboardError({
      what: run === undefined ? "The file has several runs." : "The file has no run of this name.",
      where: path,
      expected: `--run with one of ${runs.join(", ")}`,
      found: run,
    });
  return columns.map((name) => {
    if (name === "Step") return "step";
    if (EXTREME.test(name)) return null;
    if (chosen === undefined) return name;
    return name.startsWith(`${chosen} - `) ? name.slice(chosen.length + 3) : null;
  });
}
