/** The configuration of a curation as plain data, and its checks. */
import { describeValue, nearest } from "@v-triune/errors";
import { DatasetError, type DatasetErrorDetails } from "@v-triune/schema";
import { BOX_CONVENTIONS, isBoxConvention, type BoxConvention } from "@v-triune/verifiers/detection";
import { adapterFor } from "../adapters/index";
import type { SourceAdapter } from "../adapters/source-adapter";
import { comparisonOf, type DecontaminateConfig } from "../contamination/decontaminate-config";
import { buildRule, DEFAULT_RULES, INTEGRITY_RULES, type RuleConfig } from "../rules/catalogue";
import type { FilterRule } from "../rules/filter-rule";
import type { MixConfig } from "./mix";
import type { SplitConfig } from "./split";

/** One source of a run. */
export interface SourceConfig {
  /** An adapter's key: `clevr`, `geometry3k`, .. */
  readonly source: string;
  /** Folder of the owner's files, or several folders, which are read one after the other. */
  readonly path: string | readonly string[];
  /** Read at most this many rows. */
  readonly limit?: number;
  /** Number of times that each sample is written; the file's name then ends in, for example, `_x2`. Default 1. */
  readonly copies?: number;
  /** Settings of the adapter, for example `columns` of `table` or `from` of `clevr`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** What the report's page has room for. */
export interface ReportConfig {
  /** Rows of its list. If there are more, the seed draws them. Default 100,000. */
  readonly rows?: number;
  /** Golds that look wrong, with their pictures. Default 200. */
  readonly suspects?: number;
}

/** A curation. */
export interface CurationConfig {
  readonly sources: readonly SourceConfig[];
  /** Folder for the result. It must be new or empty. */
  readonly output: string;
  /** Rules in the order in which they run. Default: those of the method, with its parameters. */
  readonly rules?: readonly RuleConfig[];
  /** The number of rows that the corpus takes from each source. Default: all that passed. */
  readonly mix?: MixConfig;
  /** Sets a share of each source aside as `test_*` files. Default: none. */
  readonly split?: SplitConfig;
  /** Draws rows where a rule or the mix must choose. Default 0. */
  readonly seed?: number;
  /** Drops rows that have a text or a picture of a benchmark. Default: nothing is compared. */
  readonly decontaminate?: DecontaminateConfig;
  /** Files of rollouts for the rule `difficulty`: Parquet, JSON or JSON Lines (their form is in read-rollouts.ts). */
  readonly rollouts?: string | readonly string[];
  /**
   * The convention in which responses of the rollouts have boxes. Default: a batch output's model decides, else
   * "resized-pixels".
   */
  readonly boxes?: BoxConvention;
  /** Files of rollouts that were made without the pictures, for the rule `blind-solvable`. */
  readonly blindRollouts?: string | readonly string[];
  /** Decisions on golds that look wrong, as the page of an earlier report saved them. */
  readonly decisions?: string;
  /** What the report's page has room for. */
  readonly report?: ReportConfig;
  /** DuckDB's memory limit. Default `2GB`. */
  readonly memoryLimit?: string;
  /** Threads of DuckDB. The result does not depend on it. Default: one per core. */
  readonly threads?: number;
  /** Record all rules that hit a row, not only the first. Default false. */
  readonly allReasons?: boolean;
}

/** A configuration with its adapters and rules. */
export interface BoundConfig {
  readonly config: CurationConfig;
  readonly seed: number;
  readonly sources: readonly {
    readonly config: SourceConfig;
    readonly adapter: SourceAdapter;
    readonly paths: readonly string[];
  }[];
  readonly rules: readonly FilterRule[];
}

const KEYS: Readonly<Record<keyof CurationConfig, string>> = {
  sources: "list",
  output: "string",
  rules: "list",
  mix: "object",
  split: "object",
  seed: "number",
  decontaminate: "object",
  rollouts: "string or list",
  boxes: "string",
  blindRollouts: "string or list",
  decisions: "string",
  report: "object",
  memoryLimit: "string",
  threads: "number",
  allReasons: "boolean",
};
const SOURCE_KEYS: Readonly<Record<keyof SourceConfig, string>> = {
  source: "string",
  path: "string or list",
  limit: "number",
  copies: "number",
  settings: "object",
};

/**
 * Checks a configuration and finds its adapters and rules.
 *
 * @param adapters adapters that sources are looked up in. Default: those that ship.
 * @throws DatasetError `bad-option` naming the key, with the nearest known one
 */
export function bindConfig(config: CurationConfig, adapters?: readonly SourceAdapter[]): BoundConfig {
  checkKeys(config, KEYS, "");
  if (!Array.isArray(config.sources) || config.sources.length === 0) {
    throw bad({
      field: "sources",
      expected: "at least one source",
      found: JSON.stringify(config.sources) ?? "nothing",
    });
  }
  if (typeof config.output !== "string" || config.output === "")
    throw bad({ field: "output", expected: "a folder", found: "no folder" });
  const whole = (field: string, value: number | undefined, least: number): void => {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < least)) {
      throw bad({ field, expected: `a whole number of at least ${least}`, found: String(value) });
    }
  };
  whole("seed", config.seed, 0);
  whole("threads", config.threads, 1);
  if (config.boxes !== undefined && !isBoxConvention(config.boxes)) {
    throw bad({ field: "boxes", expected: `one of ${BOX_CONVENTIONS.join(", ")}`, found: String(config.boxes) });
  }
  if (config.report !== undefined) {
    checkKeys(config.report, { rows: "number", suspects: "number" }, "report.");
    whole("report.rows", config.report.rows, 0);
    whole("report.suspects", config.report.suspects, 0);
  }
  if (config.mix !== undefined) checkMix(config.mix);
  if (config.split !== undefined) checkSplit(config.split);
  const bindSource = (source: SourceConfig, field: string): BoundConfig["sources"][number] => {
    checkKeys(source, SOURCE_KEYS, `${field}.`);
    if (typeof source.source !== "string")
      throw bad({ field: `${field}.source`, expected: "the key of a source", found: "no key" });
    const paths = typeof source.path === "string" ? [source.path] : (source.path ?? []);
    if (paths.length === 0)
      throw bad({ field: `${field}.path`, expected: "the folder of the owner's files", found: "no path" });
    whole(`${field}.limit`, source.limit, 1);
    whole(`${field}.copies`, source.copies, 1);
    return { config: source, adapter: adapterOf(source, field, adapters), paths };
  };
  const sources = config.sources.map((source, i) => bindSource(source, `sources.${i}`));
  for (const [i, source] of (config.decontaminate?.sources ?? []).entries())
    bindSource(source, `decontaminate.sources.${i}`);
  const rules = (config.rules ?? DEFAULT_RULES).map(buildRule);
  for (const name of INTEGRITY_RULES) if (!rules.some((rule) => rule.name === name)) rules.push(buildRule(name));
  addContaminated(rules, config.decontaminate);
  addGoldRejected(rules, config.decisions);
  const readsRollouts = rules.some((rule) => rule.needs?.some((need) => need === "rollouts" || need === "golds"));
  // Rollouts are often added for a second run. Their rule then need not be in the list.
  if (config.rollouts !== undefined && !readsRollouts) rules.push(buildRule("difficulty"));
  if (config.rollouts === undefined && readsRollouts) {
    const { name } = rules.find((rule) => rule.needs?.some((need) => need === "rollouts" || need === "golds"))!;
    throw bad({ field: "rollouts", expected: `files of rollouts for the rule ${name}`, found: "no files" });
  }
  const readsBlind = rules.some((rule) => rule.needs?.includes("blind"));
  if (config.blindRollouts !== undefined && !readsBlind) rules.push(buildRule("blind-solvable"));
  if (config.blindRollouts === undefined && readsBlind) {
    throw bad({ field: "blindRollouts", expected: "rollouts for the rule blind-solvable", found: "no files" });
  }
  const names = rules.map((rule) => rule.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw bad({ field: `rules.${twice}`, expected: "each rule once", found: "the same rule twice" });
  return { config, seed: config.seed ?? 0, sources, rules };
}

function adapterOf(
  { source, settings }: SourceConfig,
  field: string,
  adapters: readonly SourceAdapter[] | undefined,
): SourceAdapter {
  try {
    return adapterFor(source, settings, adapters);
  } catch (error) {
    throw inField(error, field);
  }
}

/** The error with the place of its source in the configuration: `settings.task` becomes `sources.8.settings.task`. */
export function ofSource(error: unknown, place: number): unknown {
  return inField(error, `sources.${place}`);
}

function inField(error: unknown, prefix: string): unknown {
  if (!(error instanceof DatasetError) || error.code !== "bad-option") return error;
  const { code, file, row, expected, found, fix, cause } = error;
  const field = `${prefix}${error.field === undefined ? "" : `.${error.field}`}`;
  return new DatasetError({ code, file, row, field, expected, found, fix, cause });
}

/** Rules that balance what is left. Contaminated rows must not take the places of others. */
const BALANCING = ["category-balance", "category-tail", "single-multi", "cap"];

/** Adds the rule of `decontaminate`, before the rules that balance, if the list does not have it. */
function addContaminated(rules: FilterRule[], decontaminate: DecontaminateConfig | undefined): void {
  const isListed = rules.some((rule) => rule.needs?.includes("contamination"));
  if (decontaminate === undefined) {
    if (isListed)
      throw bad({ field: "decontaminate", expected: "what the rule contaminated compares with", found: "nothing" });
    return;
  }
  comparisonOf(decontaminate);
  if (isListed) return;
  const place = rules.findIndex(({ name }) => BALANCING.includes(name));
  rules.splice(place < 0 ? rules.length : place, 0, buildRule("contaminated"));
}

/** Puts the rule of `decisions` first: no rule may look at a gold that is replaced. */
function addGoldRejected(rules: FilterRule[], decisions: string | undefined): void {
  const at = rules.findIndex((rule) => rule.needs?.includes("decisions"));
  if (decisions === undefined) {
    if (at >= 0) throw bad({ field: "decisions", expected: "a file for the rule gold-rejected", found: "no file" });
    return;
  }
  const listed = rules.findIndex(({ name }) => name === "gold-rejected");
  rules.unshift(listed < 0 ? buildRule("gold-rejected") : rules.splice(listed, 1)[0]!);
}

function checkMix(mix: MixConfig): void {
  checkKeys(mix, { size: "number", weights: "object", caps: "object" }, "mix.");
  const numbers: [string, unknown, boolean][] = [["size", mix.size, true]];
  for (const [key, weight] of Object.entries(mix.weights ?? {})) numbers.push([`weights.${key}`, weight, false]);
  for (const [key, cap] of Object.entries(mix.caps ?? {})) numbers.push([`caps.${key}`, cap, true]);
  for (const [field, value, isWhole] of numbers) {
    if (value === undefined) continue;
    if (typeof value !== "number" || !(value >= 0) || (isWhole && !Number.isSafeInteger(value))) {
      throw bad({
        field: `mix.${field}`,
        expected: isWhole ? "a whole number of rows" : "a number of at least 0",
        found: JSON.stringify(value),
      });
    }
  }
}

function checkSplit(split: SplitConfig): void {
  checkKeys(split, { test: "number", by: "list" }, "split.");
  if (!(split.test > 0 && split.test < 1))
    throw bad({ field: "split.test", expected: "a share between 0 and 1", found: String(split.test) });
  for (const by of split.by ?? []) {
    if (by !== "picture" && by !== "question")
      throw bad({ field: "split.by", expected: "picture, question or both", found: String(by) });
  }
}

function checkKeys(value: unknown, known: Readonly<Record<string, string>>, prefix: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad({
      field: prefix === "" ? undefined : prefix.slice(0, -1),
      expected: "an object",
      found: JSON.stringify(value) ?? "nothing",
    });
  }
  for (const [key, item] of Object.entries(value)) {
    const kind = known[key];
    if (kind === undefined) {
      const near = nearest(key, Object.keys(known));
      const fix = near === null ? undefined : `did you mean ${near}?`;
      throw bad({ field: `${prefix}${key}`, expected: `one of ${Object.keys(known).join(", ")}`, found: key, fix });
    }
    const actual = Array.isArray(item) ? "list" : typeof item;
    if (item !== undefined && !kind.split(" or ").includes(actual)) {
      throw bad({ field: `${prefix}${key}`, expected: `a ${kind}`, found: `${describeValue(item)} (a ${actual})` });
    }
  }
}

function bad(details: Omit<DatasetErrorDetails, "code">): DatasetError {
  return new DatasetError({ code: "bad-option", ...details });
}
