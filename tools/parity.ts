/**
 * npm run parity -- <folder or file> .. [--json] [--backend NAME]
 *
 * Compares this project with reference values that other libraries computed (PyTorch, transformers, Pillow, verl, TRL,
 * pycocotools ..), wherever they lie. What a folder or file holds is recognized by its files; a folder that holds none
 * of the known layouts itself is searched. Prints the largest error by quantity against its tolerance. Exit code 0: all
 * within; 1: a quantity is over; 2: nothing to compare, or data that can't be used.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { parseArgs } from "node:util";
import { selectBackend, type BackendName } from "@v-triune/backend";
import {
  checkAdamW,
  checkGdpo,
  checkLosses,
  recognizeAdamW,
  recognizeGdpo,
  recognizeLosses,
} from "@v-triune/grpo/parity";
import { formatParityTable, policyParityChecks, withinTolerance, type ParityRow } from "@v-triune/policy/parity";
import { isJudgeFile, judgeParity, thresholdOfJudgeFile } from "@v-triune/rewards/parity";
import { mathverify } from "@v-triune/verifiers";
import {
  cocoMapParity,
  comparePairs,
  detectionRewardParity,
  isCocoMapFile,
  formatAgreement,
  humanVerdictsParity,
  isDetectionRewardFile,
  isHumanVerdictsFile,
  type HumanVerdict,
} from "@v-triune/verifiers/parity";
import { grpoStepParity } from "../packages/training/src/parity/grpo-step";
import { trainerStepParity } from "../packages/training/src/parity/grpo-step-trainer";

/** What a check finds: rows, and for some kinds more, which `--json` shows beside them. */
type Outcome =
  | readonly ParityRow[]
  | {
      readonly rows: readonly ParityRow[];
      readonly detail: Readonly<Record<string, unknown>>;
      /** Printed below the rows. */
      readonly text?: string;
    };

/** A kind of reference data: how to recognize it, and what to compare. */
interface Check {
  readonly name: string;
  recognize(path: string): boolean;
  check(path: string): Outcome | Promise<Outcome>;
}

/** A check of values in one JSON file. */
function fileCheck<T>(
  name: string,
  isOfKind: (json: unknown) => json is T,
  compare: (json: T, path: string) => Outcome,
): Check {
  return {
    name,
    recognize: (path) => {
      const json = parsedJson(path);
      return json !== undefined && isOfKind(json);
    },
    check: (path) => compare(parsedJson(path) as T, path),
  };
}

type Pairs = readonly { readonly gold: unknown; readonly pred: unknown; readonly expected: unknown }[];

function isPairsFile(json: unknown): json is Pairs {
  const first: unknown = Array.isArray(json) ? json[0] : undefined;
  return typeof first === "object" && first !== null && "gold" in first && "pred" in first && "expected" in first;
}

/** Verdicts on labeled pairs; at most one in two hundred may differ from Math-Verify's. */
function mathPairs(pairs: Pairs): Outcome {
  const { agreement, differences, pairs: count } = comparePairs(pairs);
  const [first] = differences;
  const row = {
    quantity: "verdicts that differ (share)",
    error: 1 - agreement,
    tolerance: 0.005,
    compared: count,
    ...(first && { worst: `pair ${first.index}: gold ${first.gold}, answer ${first.pred}` }),
  };
  return { rows: [row], detail: { agreement, differences } };
}

/** Verdicts against a careful person's labels: agreement by verifier and kind, Math-Verify's beside it. */
function humanVerdicts(file: readonly HumanVerdict[]): Outcome {
  const { rows, ...detail } = humanVerdictsParity(file);
  return { rows, detail, text: formatAgreement({ rows, ...detail }) };
}

/** One line for each kind of reference data. A path may be of several kinds; all of them are checked. */
const CHECKS: readonly Check[] = [
  ...policyParityChecks,
  { name: "losses of verl and TRL", recognize: recognizeLosses, check: checkLosses },
  { name: "GDPO advantages of verl and TRL", recognize: recognizeGdpo, check: checkGdpo },
  { name: "AdamW and schedules", recognize: recognizeAdamW, check: checkAdamW },
  grpoStepParity,
  trainerStepParity,
  fileCheck("COCO average precision", isCocoMapFile, cocoMapParity),
  fileCheck("detection rewards of the original", isDetectionRewardFile, detectionRewardParity),
  fileCheck("replies of the original reward server", isJudgeFile, (file, path) =>
    judgeParity(file, { threshold: thresholdOfJudgeFile(path), verifiers: [mathverify] }),
  ),
  fileCheck("verdicts of Math-Verify", isPairsFile, mathPairs),
  fileCheck("verdicts of a careful person", isHumanVerdictsFile, humanVerdicts),
];

interface Report {
  readonly path: string;
  readonly kind: string;
  readonly rows?: readonly ParityRow[];
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly text?: string;
  readonly failure?: string;
}

const parsed = new Map<string, unknown>();

/** A file's JSON, undefined for anything else. Kept, as every kind looks at it. */
function parsedJson(path: string): unknown {
  if (!path.endsWith(".json") || !statSync(path).isFile()) return undefined;
  if (!parsed.has(path)) {
    try {
      parsed.set(path, JSON.parse(withoutPythonNumbers(readFileSync(path, "utf8"))));
    } catch {
      parsed.set(path, undefined);
    }
  }
  return parsed.get(path);
}

/** Python writes NaN and Infinity into JSON, which has no such numbers; they become null. Strings stay as they are. */
function withoutPythonNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) => (token.startsWith('"') ? token : "null"));
}

/** What there is to check at a path: the path itself, or what is found below it. */
function findTargets(path: string, depth: number): { path: string; check: Check }[] {
  const here = CHECKS.filter((check) => recognizes(check, path)).map((check) => ({ path, check }));
  if (here.length > 0 || depth === 0 || !statSync(path).isDirectory()) return here;
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith(".json"))
    .flatMap((entry) => findTargets(join(path, entry.name), depth - 1));
}

/** A kind that stumbles over files of another layout does not recognize them. */
function recognizes(check: Check, path: string): boolean {
  try {
    return check.recognize(path);
  } catch {
    return false;
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, backend: { type: "string" } },
  });
  const start = process.env["INIT_CWD"] ?? process.cwd();
  const paths =
    positionals.length > 0 ? positionals.map((path) => resolve(start, path)) : [join(import.meta.dirname, "goldens")];
  const backend = await selectBackend(values.backend === undefined ? {} : { prefer: values.backend as BackendName });
  const reports: Report[] = [];
  const unknown: string[] = [];
  for (const path of paths) {
    const targets = targetsOf(path);
    if (targets.length === 0)
      reports.push({
        path,
        kind: "unknown",
        failure: existsSync(path)
          ? `no reference values of a known kind (${CHECKS.map(({ name }) => name).join("; ")})`
          : "there is no such file or folder",
      });
    for (const { path: target, check } of targets) reports.push(await run(target, check));
    if (targets.length > 0) unknown.push(...foldersWithout(path, targets));
  }
  const failed = reports.some(({ failure }) => failure !== undefined);
  const over = reports.some(({ rows }) => rows?.some((row) => !withinTolerance(row)));
  if (values.json)
    console.log(
      JSON.stringify(
        {
          backend: backend.description,
          passed: !failed && !over,
          ...(reports.length === 1 ? reports[0]?.detail : {}),
          reports,
          notRecognized: unknown,
        },
        (_, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value),
        1,
      ),
    );
  else print(reports, unknown, backend.description, start);
  return over ? 1 : failed ? 2 : 0;
}

/** A file that is of no kind by itself stands for the folder it is in. */
function targetsOf(path: string): { path: string; check: Check }[] {
  if (!existsSync(path)) return [];
  const targets = findTargets(path, 3);
  return targets.length > 0 || statSync(path).isDirectory() ? targets : findTargets(dirname(path), 0);
}

/** Folders right below a searched one in which nothing was recognized. */
function foldersWithout(path: string, targets: readonly { path: string }[]): string[] {
  if (!statSync(path).isDirectory() || targets.some((target) => target.path === path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .filter((folder) => !targets.some((target) => target.path === folder || target.path.startsWith(folder + sep)));
}

async function run(path: string, check: Check): Promise<Report> {
  try {
    const outcome = await check.check(path);
    return { path, kind: check.name, ...("rows" in outcome ? outcome : { rows: outcome }) };
  } catch (error) {
    return { path, kind: check.name, failure: error instanceof Error ? error.message : String(error) };
  }
}

function print(reports: readonly Report[], unknown: readonly string[], backend: string, start: string): void {
  console.log(`Backend: ${backend}`);
  for (const { path, kind, rows, text, failure } of reports) {
    console.log(`\n${relative(start, path) || path}: ${kind}`);
    console.log(rows ? formatParityTable(rows) : failure);
    if (text !== undefined) console.log(`\n${text}`);
  }
  if (unknown.length > 0)
    console.log(
      `\nNot recognized, so not compared: ${unknown.map((path) => relative(start, path) || path).join(", ")}`,
    );
  const rows = reports.flatMap((report) => report.rows ?? []);
  const over = rows.filter((row) => !withinTolerance(row)).length;
  const failures = reports.filter(({ failure }) => failure !== undefined).length;
  console.log(
    `\n` +
      `${rows.length} quantities of ${reports.length} sets compared: ${over} over their ` +
      `tolerance${failures > 0 ? `, ${failures} sets could not be compared` : ""}.`,
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
