/**
 * Conformance kits of the two seams. Both return what is wrong as data, so that they work with any test framework:
 *
 *     expect(await checkSourceAdapter(myAdapter, "fixtures/mine")).toEqual([]);
 *     expect(await checkFilterRule(myRule)).toEqual([]);
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatasetError, IMAGE_MARK, parquetFileName, TASKS } from "@v-triune/schema";
import type { SourceAdapter, SourceRow } from "./adapters/source-adapter";
import { openDatabase, queryRows, withDatabase } from "./duckdb/database";
import { hitsOf } from "./rules/apply-rules";
import type { FilterRule } from "./rules/filter-rule";
import { boxesValue, ROWS, RULE_COLUMNS } from "./tables/curation-tables";
import { fillTable, type Cells } from "./tables/fill-table";

/** One way in which an adapter or rule breaks its contract. */
export interface SeamFinding {
  readonly rule:
    | "info"
    | "layout-error"
    | "rows"
    | "unique-id"
    | "stable-order"
    | "marks"
    | "pictures"
    | "boxes"
    | "name"
    | "reason"
    | "sql"
    | "threads";
  /** Expected and found. */
  readonly message: string;
}

/**
 * Checks an adapter against the contract of `SourceAdapter`: a complete `info`, a typed error for another owner's
 * folder, the same rows on every reading, unique ids, no picture marks in questions, finite boxes, references with a
 * name and a file.
 *
 * @param folder a folder in the owner's layout with at least one row
 */
export async function checkSourceAdapter(
  adapter: SourceAdapter,
  folder: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<SeamFinding[]> {
  const findings: SeamFinding[] = [];
  const { info } = adapter;
  if (!(TASKS as readonly string[]).includes(info.task))
    findings.push({ rule: "info", message: `task is ${info.task}` });
  try {
    parquetFileName({ split: "train", task: info.task, source: info.fileSource, count: 1 });
  } catch (error) {
    findings.push({ rule: "info", message: `fileSource must fit into a file name: ${String(error)}` });
  }
  const empty = await mkdtemp(join(tmpdir(), "adapter-"));
  try {
    const error = await readAll(adapter, empty, settings).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (!(error instanceof DatasetError) || error.code !== "wrong-layout") {
      const found = error === null ? "no error" : String(error);
      findings.push({
        rule: "layout-error",
        message: `an empty folder must give DatasetError wrong-layout, not ${found}`,
      });
    }
  } finally {
    await rm(empty, { recursive: true });
  }
  const rows = await readAll(adapter, folder, settings);
  if (rows.length === 0) findings.push({ rule: "rows", message: "the folder has no rows" });
  if (JSON.stringify(await readAll(adapter, folder, settings)) !== JSON.stringify(rows)) {
    findings.push({ rule: "stable-order", message: "the second reading gives other rows or another order" });
  }
  const ids = new Set<string>();
  for (const row of rows) {
    if (row.id === "" || ids.has(row.id))
      findings.push({ rule: "unique-id", message: `id "${row.id}" is empty or not unique` });
    ids.add(row.id);
    findings.push(...rowFindings(row, info.verifier === "detection"));
  }
  return findings;
}

function rowFindings(row: SourceRow, withBoxes: boolean): SeamFinding[] {
  const findings: SeamFinding[] = [];
  if (row.question.includes(IMAGE_MARK))
    findings.push({ rule: "marks", message: `${row.id}: the question contains ${IMAGE_MARK}` });
  for (const picture of row.pictures) {
    if (picture.name === "" || picture.file === "")
      findings.push({ rule: "pictures", message: `${row.id}: a picture without name or file` });
  }
  if (withBoxes !== (row.boxes !== undefined)) {
    findings.push({
      rule: "boxes",
      message: `${row.id}: ${withBoxes ? "no list of boxes" : "boxes in a source with answers in text"}`,
    });
  }
  for (const { x1, y1, x2, y2, label } of row.boxes ?? []) {
    if (![x1, y1, x2, y2].every(Number.isFinite) || label === "")
      findings.push({ rule: "boxes", message: `${row.id}: a box that is not finite or has no label` });
  }
  return findings;
}

async function readAll(
  adapter: SourceAdapter,
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<SourceRow[]> {
  return withDatabase({ threads: 1 }, async (connection) => {
    const rows: SourceRow[] = [];
    let spooled = 0;
    const context = {
      folder,
      connection,
      settings,
      spool: (bytes: Uint8Array, name: string) => ({ name, file: "spool", offset: spooled++, length: bytes.length }),
      bad: () => {},
    };
    for await (const row of adapter.read(context)) rows.push(row);
    return rows;
  });
}

/**
 * Checks a rule against the contract of `FilterRule`: a name and a reason for people, and SQL that is valid, accepts
 * rows of NULL and empty values, and drops the same rows on one thread as on four.
 */
export async function checkFilterRule(rule: FilterRule): Promise<SeamFinding[]> {
  const findings: SeamFinding[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(rule.name))
    findings.push({ rule: "name", message: `"${rule.name}" is not kebab-case` });
  if (rule.reason.trim().length < 4)
    findings.push({ rule: "reason", message: "the reason must be a text that a person understands" });
  const dropped: string[] = [];
  for (const threads of [1, 4]) {
    try {
      dropped.push(await dropsOf(rule, threads));
    } catch (error) {
      findings.push({ rule: "sql", message: error instanceof Error ? error.message : String(error) });
    }
  }
  if (dropped.length === 2 && dropped[0] !== dropped[1])
    findings.push({ rule: "threads", message: "the rule drops other rows on four threads than on one" });
  return findings;
}

/** The rows that a rule drops from a table of all kinds of rows, on a number of threads. */
async function dropsOf(rule: FilterRule, threads: number): Promise<string> {
  const database = await openDatabase({ threads });
  try {
    await fillTable(database.writer, ROWS, RULE_COLUMNS, ordinaryRows());
    const hits = hitsOf(rule, 1, ROWS);
    const dropped = await queryRows(database.connection, `SELECT row FROM (${hits}) ORDER BY row`);
    return JSON.stringify(dropped.map(({ row }) => row));
  } finally {
    database.close();
  }
}

/** Rows of all tasks with few different values per column, and two rows of almost only NULL. */
function* ordinaryRows(): Generator<Cells> {
  for (let i = 0; i < 400; i++) {
    const boxes = Array.from({ length: i % 5 }, (_, k) => ({ x1: k, y1: 0, x2: k + 3, y2: 9, label: `l${k % 2}` }));
    yield {
      row: BigInt(i),
      part: 0,
      source: "s",
      task: TASKS[i % TASKS.length] as string,
      id: `${i % 390}`,
      question: i % 7 === 0 ? "" : `Question ${i % 20}`,
      answer: `${i % 4}`,
      category: `${i % 6}`,
      boxes: boxesValue(boxes),
      box_unit: "pixel",
      width: 100,
      height: 100,
      picture_count: 0,
      pictures: "[]",
      smallest_side: 100,
      picture_hash: i.toString(16).padStart(16, "0"),
      picture_digest: "",
      language: "en",
      verified: "yes",
      rollout_count: 8,
      mean_accuracy: i / 400,
    };
  }
  yield { row: 400n, part: 0, source: "s", task: "detection", id: "n1" };
  yield { row: 401n, part: 0, source: "s", task: "math", id: "n2" };
}
