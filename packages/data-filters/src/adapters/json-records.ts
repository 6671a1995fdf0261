/**
 * Records of a JSON file, in the shapes in which people have them:
 *
 *     [{..}, ..]                                a list
 *     {..}\n{..}\n                              JSON Lines; owners give both the ending .json
 *     {"version": "1", "data": [{..}, ..]}      a list under a key
 *     {"a7": {..}, "a8": {..}}                  records by their names
 *     {"question": [..], "answer": [..]}        columns as lists
 *     {"question": {"0": ..}, "answer": {"0": ..}}   columns as pandas writes them
 *     {"columns": [..], "data": [[..], ..]}     columns and rows (pandas, `orient="split"`)
 */
import { openSync, closeSync, readSync } from "node:fs";
import { isRecord } from "@v-triune/node-kit/is-record";
import { DatasetError } from "@v-triune/schema";
import { rootMembers, type MemberKind } from "./json-shape";
import { jsonLines, jsonMembers, type JsonMember } from "./json-stream";

/** Bytes at the beginning of a file that are searched for its first line. */
const HEAD_BYTES = 2 ** 20;
/** Keys under which records usually are, the most usual first. */
const USUAL_KEYS = ["data", "rows", "records", "samples", "examples", "instances", "questions", "annotations"];

/**
 * Streams the records of a JSON file.
 *
 * @param field key of the root under which the records are. Default: the key that holds a list of objects.
 * @throws DatasetError for a file that is not JSON, or whose records are under one of several keys
 */
export async function* jsonRecords(file: string, field?: string): AsyncGenerator<JsonMember> {
  if (field !== undefined) return yield* jsonMembers(file, field);
  const head = headOf(file)
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (head.startsWith("[")) return yield* jsonMembers(file);
  if (!head.startsWith("{") || areLines(head)) return yield* jsonLines(file);
  yield* documentRecords(file);
}

/** Whether the first line is complete and there is another line. */
function areLines(head: string): boolean {
  const end = head.indexOf("\n");
  if (end < 0 || head.slice(end).trim() === "") return false;
  const signs = head.slice(0, end).replace(/"(?:[^"\\]|\\.)*"/g, "");
  return signs.replace(/[^{[]/g, "").length === signs.replace(/[^}\]]/g, "").length;
}

async function* documentRecords(file: string): AsyncGenerator<JsonMember> {
  const members = await rootMembers(file);
  const kinds = [...members.values()];
  const lists = [...members].flatMap(([key, kind]) => (kind === "records" ? [key] : []));
  const usual = USUAL_KEYS.find((key) => lists.includes(key));
  if (usual !== undefined && !isOneRecord(members)) return yield* jsonMembers(file, usual);
  if (members.get("columns") === "list" && members.get("data") === "rows") return yield* splitRows(file);
  const areColumns = kinds.includes("list") && kinds.every((kind) => kind !== "object" && kind !== "scalar");
  if (areColumns) return yield* columnRows(await wholeColumns(file));
  if (lists.length > 0 && !isOneRecord(members)) return yield* jsonMembers(file, onlyKey(file, lists));
  if (kinds.length > 0 && kinds.every((kind) => kind === "object")) return yield* namedRecords(file);
  let record: Record<string, unknown> = {};
  for await (const { key, value } of jsonMembers(file)) record = { ...record, [key]: value };
  yield { key: "0", value: record };
}

/** Whether a document is one record of a table whose cells may be lists of objects, such as boxes. */
function isOneRecord(members: ReadonlyMap<string, MemberKind>): boolean {
  return members.has("question") && members.get("question") === "scalar";
}

/** @throws DatasetError if it is not clear which list holds the records */
function onlyKey(file: string, [key = "", ...others]: readonly string[]): string {
  if (others.length === 0) return key;
  throw new DatasetError({
    code: "wrong-layout",
    file,
    expected: "one list of records",
    found: `lists under ${[key, ...others].join(", ")}`,
    fix: `name the one with the records: settings: {field: ${key}}`,
  });
}

/** Columns as lists, or as objects from the row's name to its cell. */
type ColumnValues = ReadonlyMap<string, readonly unknown[]>;

async function wholeColumns(file: string): Promise<ColumnValues> {
  const columns = new Map<string, readonly unknown[]>();
  for await (const { key, value } of jsonMembers(file)) columns.set(key, value as readonly unknown[]);
  const lengths = new Set([...columns.values()].map((list) => list.length));
  if (lengths.size > 1) {
    throw new DatasetError({
      code: "wrong-layout",
      file,
      expected: "columns of one length",
      found: [...columns].map(([key, list]) => `${key}: ${list.length}`).join(", "),
    });
  }
  return columns;
}

function* columnRows(columns: ColumnValues): Generator<JsonMember> {
  const [first = []] = columns.values();
  for (const row of first.keys()) {
    const cells = [...columns].map(([key, list]): [string, unknown] => [key, list[row]]);
    yield { key: `${row}`, value: Object.fromEntries(cells) };
  }
}

/** Records by their names, or columns whose rows are numbered. */
async function* namedRecords(file: string): AsyncGenerator<JsonMember> {
  const columns = new Map<string, Readonly<Record<string, unknown>>>();
  for await (const member of jsonMembers(file)) {
    const { key, value } = member;
    const isColumn = isRecord(value) && Object.keys(value).every((name) => /^\d+$/.test(name));
    if (columns.size === 0 && !isColumn) {
      yield member;
      continue;
    }
    columns.set(key, isRecord(value) ? value : {});
  }
  const [first] = columns.values();
  const rows = Object.keys(first ?? {});
  yield* columnRows(new Map([...columns].map(([key, cells]) => [key, rows.map((row) => cells[row])])));
}

async function* splitRows(file: string): AsyncGenerator<JsonMember> {
  const names: string[] = [];
  for await (const { value } of jsonMembers(file, "columns")) names.push(String(value));
  for await (const { key, value } of jsonMembers(file, "data")) {
    const cells = Array.isArray(value) ? value : [];
    yield { key, value: Object.fromEntries(names.map((name, i) => [name, cells[i]])) };
  }
}

function headOf(file: string): string {
  const buffer = Buffer.alloc(HEAD_BYTES);
  const handle = openSync(file, "r");
  try {
    return buffer.toString("utf8", 0, readSync(handle, buffer));
  } finally {
    closeSync(handle);
  }
}
