/**
 * Reads the pairs of an audit from the text of a JSONL, JSON or CSV file: rows of {gold, response?, label?, prompt?,
 * params?}, or just golds. The names that other data has for these are read, too: ground_truth, solution, answer;
 * output, completion; right, correct; reward_model.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { describeValue, nearest } from "@v-triune/errors";
import { AuditError } from "./audit-error";
import type { AuditPair } from "./audit-types";
import { ContentError, goldText, responseText } from "../content/content-text";

/** Columns by what they hold, the first that a row has counts. */
const COLUMNS = {
  gold: ["gold", "ground_truth", "groundTruth", "solution", "answer", "expected", "gold_answer"],
  response: ["response", "output", "completion", "prediction"],
  label: ["label", "right", "correct", "is_correct", "isRight"],
  prompt: ["prompt", "question", "query", "input"],
  params: ["params", "verifier_parm"],
} as const;
const ALL_COLUMNS: readonly string[] = Object.values(COLUMNS).flat();

const RIGHT: ReadonlySet<unknown> = new Set([true, 1, "1", "true", "right", "correct", "yes", "pass"]);
const WRONG: ReadonlySet<unknown> = new Set([false, 0, "0", "false", "wrong", "incorrect", "no", "fail"]);

interface Row {
  readonly value: unknown;
  /** Where it is: `golds.jsonl:3`. */
  readonly where: string;
}

/**
 * The pairs of a file.
 *
 * @param name of the file, by which its format is known and for messages: `golds.jsonl`
 * @throws AuditError for another format, a line that cannot be read, a row without a gold answer, or a label that is
 * neither right nor wrong
 */
export function readAuditPairs(text: string, name: string): AuditPair[] {
  const rows = readRows(text.replace(/^\uFEFF/, ""), name);
  if (rows.length === 0)
    throw new AuditError({ what: "The file has no rows.", where: name, expected: "at least one gold", found: "none" });
  return rows.map(readPair);
}

function readRows(text: string, name: string): Row[] {
  const format = /\.(jsonl|ndjson|json|csv)$/i.exec(name)?.[1]?.toLowerCase();
  if (format === "csv") return csvRows(text, name);
  if (format === "json") return jsonRows(text, name);
  if (format !== undefined) return jsonlRows(text, name);
  throw new AuditError({
    what: "The format of the pairs is not known.",
    where: name,
    expected: "a file that ends in .jsonl, .json or .csv",
    found: name,
  });
}

function jsonlRows(text: string, name: string): Row[] {
  return text.split("\n").flatMap((line, index) => {
    const where = `${name}:${index + 1}`;
    return line.trim() === "" ? [] : [{ value: parsed(line, where), where }];
  });
}

function jsonRows(text: string, name: string): Row[] {
  const value = parsed(text, name);
  if (Array.isArray(value))
    return value.map((item: unknown, index) => ({ value: item, where: `${name}, row ${index}` }));
  throw new AuditError({
    what: "The file is not a list.",
    where: name,
    expected: "a JSON list of rows",
    found: describeValue(value),
  });
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AuditError({
      what: "This is not JSON.",
      where,
      expected: 'a row such as {"gold": "5 cm"}, or a gold such as "5 cm"',
      found: `${describeValue(text.trim())} (${(error as Error).message})`,
      cause: error,
    });
  }
}

function readPair({ value, where }: Row): AuditPair {
  if (typeof value === "string" || typeof value === "number") return { gold: String(value) };
  if (!isRecord(value))
    throw new AuditError({
      what: "This is not a row.",
      where,
      expected: "an object or a gold answer",
      found: describeValue(value),
    });
  const model = isRecord(value["reward_model"]) ? value["reward_model"] : {};
  const cell = (column: keyof typeof COLUMNS): unknown => {
    const key = COLUMNS[column].find((name) => (value[name] ?? model[name] ?? null) !== null);
    return key === undefined ? undefined : (value[key] ?? model[key]);
  };
  const [gold, response, label, prompt, params] = [
    cell("gold"),
    cell("response"),
    cell("label"),
    cell("prompt"),
    cell("params"),
  ];
  if (gold === undefined) throw noGold(value, where);
  return {
    gold: typeof gold === "number" ? String(gold) : asText(() => goldText(gold, "gold"), where),
    ...(response !== undefined && { response: asText(() => responseText(response, "response"), where) }),
    ...(label !== undefined && { isRight: isRight(label, where) }),
    ...(typeof prompt === "string" && { prompt }),
    ...(params !== undefined && { params: asParams(params, where) }),
  };
}

function noGold(value: Readonly<Record<string, unknown>>, where: string): AuditError {
  const keys = Object.keys(value);
  const meant = keys.map((key) => nearest(key, ALL_COLUMNS)).find((name) => name !== null);
  return new AuditError({
    what: "A row has no gold answer.",
    where,
    expected: `one of the columns ${COLUMNS.gold.join(", ")}`,
    found: keys.length === 0 ? "no columns" : `the columns ${keys.slice(0, 12).join(", ")}`,
    fix: meant === undefined ? "rename the column that has the gold answer to gold" : `did you mean ${meant}?`,
  });
}

function asText(read: () => string, where: string): string {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw new AuditError({
      what: "A text of a row cannot be read.",
      where: `${where}, ${error.where}`,
      expected: error.expected,
      found: error.found,
    });
  }
}

function isRight(label: unknown, where: string): boolean {
  const key = typeof label === "string" ? label.trim().toLowerCase() : label;
  if (RIGHT.has(key)) return true;
  if (WRONG.has(key)) return false;
  throw new AuditError({
    what: "A label is neither right nor wrong.",
    where,
    expected: "1 or 0, true or false, right or wrong",
    found: describeValue(label),
  });
}

function asParams(params: unknown, where: string): Readonly<Record<string, unknown>> {
  const value = typeof params === "string" ? parsed(params, `${where}, params`) : params;
  if (isRecord(value)) return value;
  throw new AuditError({
    what: "The params of a row cannot be used.",
    where,
    expected: "an object",
    found: describeValue(params),
  });
}

/** CSV with a header (RFC 4180): fields in quotes may hold commas, line ends and doubled quotes. */
function csvRows(text: string, name: string): Row[] {
  const [header, ...lines] = csvFields(text, name);
  if (header === undefined) return [];
  return lines
    .filter(({ fields }) => fields.some((field) => field !== ""))
    .map(({ fields, line }) => {
      const where = `${name}:${line}`;
      if (fields.length !== header.fields.length)
        throw new AuditError({
          what: "A row has another number of fields than the header.",
          where,
          expected: `${header.fields.length} fields (${header.fields.join(", ")})`,
          found: `${fields.length}`,
        });
      const entries = header.fields.map((key, index) => [key.trim(), fields[index]] as const);
      return { value: Object.fromEntries(entries.filter(([, field]) => field !== "")), where };
    });
}

interface CsvLine {
  readonly fields: readonly string[];
  readonly line: number;
}

function csvFields(text: string, name: string): CsvLine[] {
  const rows: CsvLine[] = [];
  const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  let fields: string[] = [];
  let [line, begun] = [1, 1];
  while (FIELD.lastIndex < text.length || fields.length > 0) {
    const at = FIELD.lastIndex;
    const match = FIELD.exec(text);
    if (match === null)
      throw new AuditError({
        what: "A quoted field cannot be read.",
        where: `${name}:${line}`,
        expected: 'quotes around the whole field, and "" for a quote inside',
        found: describeValue(text.slice(at, at + 40)),
      });
    const [whole, quoted, plain = "", end = ""] = match;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split("\n").length - 1;
    if (end === ",") continue;
    rows.push({ fields, line: begun });
    fields = [];
    begun = line;
  }
  return rows;
}
