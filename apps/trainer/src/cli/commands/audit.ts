import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { nearest } from "@v-triune/errors";
import type { AuditJudge, AuditPair, AuditReport, HttpShape } from "@v-triune/rewards/audit";
import { UsageError } from "../../errors";
import { decimalNumber, wholeNumber } from "../syntax/arguments";
import { textOption, type Command, type CommandContext } from "../syntax/command";

/** False passes, false fails, exploits and cost of any verifier. */
export const auditCommand: Command = {
  meta: { name: "audit", description: "Find false passes, false fails and exploits of a verifier" },
  args: {
    verifier: {
      type: "positional",
      required: false,
      description: "A module, ./my-verifier.ts#name, or a built-in verifier; with --url the name that it is asked for",
    },
    pairs: {
      type: "string",
      valueHint: "file",
      description: "JSONL, JSON or CSV: rows of {gold, response?, label?, prompt?, params?}, or just golds",
    },
    url: {
      type: "string",
      valueHint: "url",
      description: "A reward server, for example http://127.0.0.1:8000/openrlhf",
    },
    shape: {
      type: "enum",
      options: ["openrlhf", "slime", "judge", "score"],
      description: "How the server is called. Default the end of its address.",
    },
    "token-file": { type: "string", valueHint: "file", description: "File with the server's bearer token" },
    params: { type: "string", valueHint: "json", description: "Parameters of all rows that have none" },
    rows: { type: "string", valueHint: "number", description: "Rows that are used. Default 40." },
    "search-calls": { type: "string", valueHint: "number", description: "Calls of the exploit search. Default 1500." },
    "pass-score": {
      type: "string",
      valueHint: "number",
      description: "Score from which a response passes. Default 0.5.",
    },
    tolerance: {
      type: "string",
      valueHint: "share",
      description: "Numbers this close to the gold count as right. Default 0.",
    },
    "deadline-ms": { type: "string", valueHint: "number", description: "Time that one call may take. Default 1000." },
    seed: { type: "string", valueHint: "number", description: "Seed of what is drawn. Default 1." },
    json: { type: "string", valueHint: "file", description: "Write the whole report as JSON; - prints it instead" },
    "max-false-pass": {
      type: "string",
      valueHint: "share",
      description: "Largest share of false passes. Default 0.005.",
    },
    "max-false-fail": { type: "string", valueHint: "share", description: "Largest share of false fails. Default 1." },
    "max-exploits": { type: "string", valueHint: "number", description: "Most exploits. Default any number." },
    "max-growth": {
      type: "string",
      valueHint: "number",
      description: "Largest growth of the time when a response doubles. Default any.",
    },
    "max-p99-ms": { type: "string", valueHint: "number", description: "Longest time of 99 % of calls. Default any." },
  },
  examples: [
    "v-triune audit answer --pairs golds.jsonl",
    "v-triune audit ./my-verifier.ts --pairs golds.csv --max-false-pass 0.01",
    "v-triune audit --url http://127.0.0.1:8000/openrlhf --pairs golds.jsonl",
  ],
  notes:
    "Exits with 1 when a threshold is passed, or a call times out or crashes, and with 2 when the audit cannot be made.",
  async execute(context) {
    const { output } = context;
    const thresholds = readThresholds(context);
    const options = readOptions(context);
    const { auditVerifier, formatAudit } = await import("@v-triune/rewards/audit");
    const pairs = await readPairs(context);
    const subject = await openSubject(context);
    try {
      const report = await auditVerifier(subject.judge, pairs, options);
      const failures = failuresOf(report, thresholds);
      const file = textOption(context, "json");
      const json = `${JSON.stringify({ verifier: subject.name, ...report, failures }, null, 2)}\n`;
      if (file !== undefined && file !== "-") await writeReport(file, json);
      output.out(file === "-" ? json : `${formatAudit(report, subject.name)}\n`);
      if (failures.length > 0) output.err(`\n${failures.map((failure) => `failed: ${failure}`).join("\n")}\n`);
      return failures.length > 0 ? 1 : 0;
    } finally {
      await subject.close();
    }
  },
};

interface Subject {
  readonly judge: AuditJudge;
  readonly name: string;
  close(): Promise<void>;
}

async function openSubject(context: CommandContext): Promise<Subject> {
  const { createHttpJudge, createPoolJudge } = await import("@v-triune/rewards/audit");
  const url = textOption(context, "url");
  const verifier = textOption(context, "verifier");
  const deadlineMs = wholeNumber("deadline-ms", textOption(context, "deadline-ms"), 1);
  if (url !== undefined) {
    const tokenFile = textOption(context, "token-file");
    const judge = createHttpJudge({
      url,
      verifier,
      shape: textOption(context, "shape") as HttpShape | undefined,
      token: tokenFile === undefined ? undefined : readText(tokenFile, "The token cannot be read.").trim(),
      ...(deadlineMs !== undefined && { deadlineMs }),
    });
    return { judge, name: verifier === undefined ? url : `${verifier} at ${url}`, close: () => Promise.resolve() };
  }
  if (verifier === undefined)
    throw new UsageError({
      what: "There is no verifier to audit.",
      expected: "a module, the name of a built-in verifier, or --url",
      found: "nothing",
      fix: "v-triune audit answer --pairs golds.jsonl",
    });
  const limits = deadlineMs === undefined ? {} : { deadlineMs };
  // In a clone, a custom verifier finds the sources of the workspace, as everything else there does.
  const execArgv = import.meta.url.endsWith(".ts") ? ["--conditions=@v-triune/source"] : [];
  const source = await moduleOrName(verifier);
  const open = await createPoolJudge({ ...source, ...limits, execArgv });
  return { judge: open.judge, name: open.verifier, close: () => open.close() };
}

/** `./mine.ts#name`, a package, or a built-in verifier. */
async function moduleOrName(
  given: string,
): Promise<{ readonly verifier: string } | { readonly module: { readonly module: string; readonly export?: string } }> {
  const { KNOWN_VERIFIERS } = await import("@v-triune/schema/reward-defaults");
  if ((KNOWN_VERIFIERS as readonly string[]).includes(given)) return { verifier: given };
  const [, path = "", name] = /^(.*?)(?:#([\w$]+))?$/.exec(given) ?? [];
  const chosen = name === undefined ? {} : { export: name };
  if (existsSync(path)) return { module: { module: pathToFileURL(resolve(path)).href, ...chosen } };
  const isPath = /^(\.|\/|[A-Za-z]:\\)|\.[cm]?[jt]s$/.test(path);
  if (!isPath && /^@[\w.-]+\/|\//.test(path)) return { module: { module: path, ...chosen } };
  const meant = nearest(given, KNOWN_VERIFIERS);
  throw new UsageError({
    what: isPath ? "The verifier's module cannot be found." : "This is no module and no built-in verifier.",
    expected: `a file that exists, or one of ${KNOWN_VERIFIERS.join(", ")}`,
    found: isPath ? resolve(path) : given,
    fix: meant === null || isPath ? undefined : `did you mean ${meant}?`,
  });
}

async function readPairs(context: CommandContext): Promise<AuditPair[]> {
  const file = textOption(context, "pairs");
  if (file === undefined)
    throw new UsageError({
      what: "The option --pairs is missing.",
      expected: 'a file with golds, for example lines of {"gold": "5 cm"}',
      found: "nothing",
    });
  const { readAuditPairs } = await import("@v-triune/rewards/audit");
  const pairs = readAuditPairs(readText(file, "The pairs cannot be read."), basename(file));
  const text = textOption(context, "params");
  if (text === undefined) return pairs;
  const params = parsedObject(text);
  return pairs.map((pair) => ({ params, ...pair }));
}

function parsedObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new UsageError({
    what: "The option --params is no JSON object.",
    expected: 'an object, for example {"tolerance": 0}',
    found: text,
  });
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError({
      what,
      where: file,
      expected: "a file that can be read",
      found: error instanceof Error ? error.message : String(error),
    });
  }
}

async function writeReport(file: string, json: string): Promise<void> {
  const { writeFileAtomic } = await import("@v-triune/training/run-folder");
  await writeFileAtomic(resolve(file), json);
}

function readOptions(context: CommandContext) {
  const whole = (name: string, least: number) => wholeNumber(name, textOption(context, name), least);
  const given = {
    seed: whole("seed", 0),
    rows: whole("rows", 1),
    searchCalls: whole("search-calls", 0),
    passScore: decimalNumber("pass-score", textOption(context, "pass-score")),
    tolerance: share(context, "tolerance"),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

interface Thresholds {
  readonly falsePass: number;
  readonly falseFail: number;
  readonly exploits: number;
  readonly growth: number;
  readonly p99Ms: number;
}

function readThresholds(context: CommandContext): Thresholds {
  return {
    falsePass: share(context, "max-false-pass") ?? 0.005,
    falseFail: share(context, "max-false-fail") ?? 1,
    exploits: wholeNumber("max-exploits", textOption(context, "max-exploits"), 0) ?? Infinity,
    growth: decimalNumber("max-growth", textOption(context, "max-growth")) ?? Infinity,
    p99Ms: decimalNumber("max-p99-ms", textOption(context, "max-p99-ms")) ?? Infinity,
  };
}

function share(context: CommandContext, name: string): number | undefined {
  const value = decimalNumber(name, textOption(context, name));
  if (value === undefined || (value >= 0 && value <= 1)) return value;
  throw new UsageError({
    what: `The option --${name} has a value that cannot be used.`,
    expected: "a share from 0 to 1",
    found: String(value),
  });
}

function failuresOf(report: AuditReport, thresholds: Thresholds): string[] {
  const { falsePasses, falseFails, exploits, timeouts, crashes, cost } = report;
  const part = ({ wrong, tried }: { readonly wrong: number; readonly tried: number }) =>
    tried === 0 ? 0 : wrong / tried;
  const shown = (value: number) => Number(value.toFixed(4));
  const checks: readonly (readonly [string, number, number])[] = [
    ["the share of false passes", part(falsePasses), thresholds.falsePass],
    ["the share of false fails", part(falseFails), thresholds.falseFail],
    ["the number of exploits", exploits.length, thresholds.exploits],
    [
      "the growth of the time at double length",
      Math.max(...cost.growth.map(({ ratio = 0 }) => ratio)),
      thresholds.growth,
    ],
    ["the time of 99 % of calls in ms", cost.p99Ms, thresholds.p99Ms],
    ["the number of calls that timed out", timeouts, 0],
    ["the number of calls that crashed", crashes, 0],
  ];
  return checks
    .filter(([, found, most]) => found > most)
    .map(([what, found, most]) => `${what} is ${shown(found)}, over ${most}`);
}
