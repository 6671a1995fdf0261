/**
 * A sweep's file: a base configuration, what all runs have in common, and a grid. Every axis of the grid is either a
 * configuration key with a list of values, or a name with named settings of several keys; the runs are all
 * combinations, each once a seed.
 *
 *     base: demo                          # or demo-zoom, or a configuration file
 *     set: {run.steps: 40}
 *     grid:
 *       optimizer.lr: [1e-4, 3e-4]
 *       update:
 *         on-policy: {update.miniBatch: 14}
 *         off-policy: {update.miniBatch: 2}
 *     seeds: [1, 2, 3]
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { ConfigError } from "@v-triune/errors";
import { parseOverride } from "@v-triune/training/config";
import { ArkErrors, type } from "arktype";
import { parse } from "yaml";
import { packageRoot } from "../package-root";

/** Keys with values, as in `--set key=value`. */
export type Settings = Readonly<Record<string, unknown>>;

export type Variables = Readonly<Record<string, string | number | boolean>>;

/** One direction of the grid. */
export interface SweepAxis {
  readonly name: string;
  readonly cases: readonly { readonly label: string; readonly settings: Settings }[];
}

export interface SweepFile {
  readonly name: string;
  /** The question in a sentence, for tables and pages. */
  readonly question: string | null;
  /** "demo", "demo-zoom", or the absolute path of a configuration. */
  readonly base: string;
  /** What `${name}` stands for in values; a value that is nothing else keeps the variable's type. */
  readonly variables: Variables;
  /** Of all runs. */
  readonly set: Settings;
  readonly axes: readonly SweepAxis[];
  readonly seeds: readonly number[];
  /** What relative paths in `set` and `grid` start from. */
  readonly folder: string;
  /** Settings from the command line, over those of the file. */
  readonly overrides: readonly string[];
}

const settings = type("Record<string, unknown>");
const schema = type({
  "+": "reject",
  "name?": "string > 0",
  "question?": "string > 0",
  base: "string > 0",
  "variables?": "Record<string, string | number | boolean>",
  "set?": settings,
  grid: "Record<string, unknown[] | Record<string, Record<string, unknown>>>",
  "seeds?": "(number.integer >= 0)[] >= 1",
});

/** Whether a base is made by the program. */
export const isDemoBase = (base: string): boolean => base === "demo" || base === "demo-zoom";

/** Keys that a sweep gives each run itself. */
const ownKeys = ["run.seed", "run.name", "run.folder"];

const shippedFolder = join(packageRoot, "ablations");

/** Names of the sweeps that come with the program. */
export const shippedSweeps = (): string[] => readdirSync(shippedFolder).map((name) => basename(name, ".yaml"));

/**
 * Reads a sweep's file.
 *
 * @param path a file, or the name of one that comes with the program (`ablations/freeze.yaml`, `freeze`)
 * @param overrides `key=value`: a configuration key for all runs; an axis of the grid with its new values (or the
 *   labels to keep); a variable
 * @throws ConfigError naming the key and what it may be
 */
export function readSweepFile(path: string, overrides: readonly string[] = [], cwd: string = process.cwd()): SweepFile {
  const file = findSweepFile(path, cwd);
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ConfigError({
      what: "The sweep's file can't be read.",
      where: file,
      expected: "YAML or JSON",
      found: (cause as Error).message,
      cause,
    });
  }
  const input = schema(value);
  if (input instanceof ArkErrors) {
    throw new ConfigError({
      what: "The sweep's file has another shape.",
      where: file,
      expected:
        "base, grid (key: [values], or name: {label: {key: value}}) and, if need be, name, question, variables, " +
        "set, seeds",
      found: input.summary,
    });
  }
  const axes = Object.entries(input.grid).map(([name, cases]) => axisOf(name, cases, file));
  const folder = dirname(file);
  const sweep: SweepFile = {
    name: input.name ?? basename(file, extname(file)),
    question: input.question ?? null,
    base: isDemoBase(input.base) ? input.base : resolve(folder, input.base),
    variables: input.variables ?? {},
    set: input.set ?? {},
    axes,
    seeds: input.seeds ?? [1],
    folder,
    overrides: [],
  };
  if (!/^[\w.-]+$/.test(sweep.name))
    throw new ConfigError({
      what: "The sweep's name can't be a folder's.",
      where: file,
      expected: "letters, digits, dots and dashes",
      found: sweep.name,
    });
  if (new Set(sweep.seeds).size < sweep.seeds.length)
    throw new ConfigError({ what: "The sweep has a seed twice.", where: file, found: sweep.seeds.join(", ") });
  const changed = overrides.reduce((before, text) => withOverride(before, text, cwd), sweep);
  for (const key of [changed.set, ...changed.axes.flatMap(({ cases }) => cases.map(({ settings: of }) => of))].flatMap(
    Object.keys,
  ))
    refuseOwnKey(key, file);
  return changed;
}

function findSweepFile(path: string, cwd: string): string {
  const full = resolve(cwd, path);
  if (existsSync(full)) return full;
  const shipped = join(shippedFolder, `${basename(path, extname(path))}.yaml`);
  if (existsSync(shipped) && /^(ablations[/\\])?[\w-]+(\.yaml)?$/.test(path)) return shipped;
  throw new ConfigError({
    what: "The sweep's file does not exist.",
    where: full,
    expected: `a .yaml or .json file, or the name of one that comes with the program: ${shippedSweeps().join(", ")}`,
    found: "nothing there",
  });
}

/** Array.isArray does not tell a read-only list from an object. */
const isList = (value: readonly unknown[] | object): value is readonly unknown[] => Array.isArray(value);

function axisOf(name: string, cases: readonly unknown[] | Readonly<Record<string, Settings>>, file: string): SweepAxis {
  if (!isList(cases))
    return checkedAxis({ name, cases: Object.entries(cases).map(([label, of]) => ({ label, settings: of })) }, file);
  const odd = cases.find((value) => typeof value === "object" && value !== null);
  if (odd !== undefined) {
    throw new ConfigError({
      what: `The axis "${name}" has a value without a short name.`,
      where: file,
      expected: `numbers, texts, true or false; else named settings: ${name.split(".").at(-1)}: {some-label: {${name}: ..}}`,
      found: JSON.stringify(odd),
    });
  }
  return checkedAxis(
    { name, cases: cases.map((value) => ({ label: String(value), settings: { [name]: value } })) },
    file,
  );
}

function checkedAxis(axis: SweepAxis, file: string): SweepAxis {
  const labels = axis.cases.map(({ label }) => label);
  if (labels.length === 0)
    throw new ConfigError({ what: `The axis "${axis.name}" has no values.`, where: file, expected: "at least one" });
  const twice = labels.find((label, index) => labels.indexOf(label) < index);
  if (twice !== undefined)
    throw new ConfigError({ what: `The axis "${axis.name}" has a value twice.`, where: file, found: twice });
  return axis;
}

function refuseOwnKey(key: string, where: string): void {
  if (ownKeys.includes(key) || key === "run")
    throw new ConfigError({
      what: `A sweep gives each run its ${key} itself.`,
      where,
      expected: "seeds: [1, 2, 3] for the seeds; the sweep's --out for the folder",
      found: key,
      fix: "leave it out",
    });
}

/** A variable, an axis, or a key of all runs. */
function withOverride(sweep: SweepFile, text: string, cwd: string): SweepFile {
  const { value } = parseOverride({ text, folder: cwd });
  const key = text.slice(0, text.indexOf("="));
  const axis = sweep.axes.find(({ name }) => name === key);
  const where = `--set ${text}`;
  if (key in sweep.variables) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
      throw new ConfigError({
        what: `The variable "${key}" has a value that can't be used.`,
        where,
        expected: "a text, a number, true or false",
      });
    return { ...sweep, variables: { ...sweep.variables, [key]: value } };
  }
  if (axis === undefined) {
    refuseOwnKey(key, where);
    return { ...sweep, overrides: [...sweep.overrides, text] };
  }
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [value];
  const ofKey = axis.cases.every(({ settings: of }) => key in of);
  const replaced = ofKey
    ? axisOf(key, wanted, where)
    : {
        name: key,
        cases: wanted.map((label) => {
          const found = axis.cases.find((candidate) => candidate.label === String(label));
          if (found === undefined)
            throw new ConfigError({
              what: `The axis "${key}" has no case "${String(label)}".`,
              where,
              expected: axis.cases.map((candidate) => candidate.label).join(", "),
            });
          return found;
        }),
      };
  return { ...sweep, axes: sweep.axes.map((other) => (other === axis ? replaced : other)) };
}
