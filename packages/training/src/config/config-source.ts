/**
 * Reads a configuration file (YAML, JSON, or a TypeScript/JavaScript module) and `--set` overrides into one plain
 * value, remembering where each key was written, so that a complaint can name the line.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { LineCounter, isMap, isNode, isPair, isSeq, parse, parseDocument, type Document } from "yaml";
import { ConfigError } from "@v-triune/errors";
import { isRecord } from "@v-triune/node-kit/is-record";
import { defineTrainingConfig } from "./define-training-config";
import type { KeyPath } from "./key-path";

export interface ConfigSource {
  /** File and overrides merged, not yet validated. */
  readonly value: unknown;
  /** "v-triune.yaml:12", or the override that set it; undefined for a value that is a default. */
  locate(path: KeyPath): string | undefined;
  /** The folder that a relative path at this key starts from: the file's, or the current one for an override. */
  baseFolder(path: KeyPath): string;
  /**
   * The file's name without folder and extension (its folder's name for `v-triune.yaml`), from which a run gets its
   * name.
   */
  readonly title: string | undefined;
}

/**
 * Modules that a configuration module can import although they are not installed beside it, by their names: as npx runs
 * the command, its package is in a folder of npm's.
 */
export type ConfigModules = Readonly<Record<string, () => Promise<object>>>;

/** File names looked for when a folder is given. */
const FILE_NAMES = ["v-triune.yaml", "v-triune.yml", "v-triune.json", "v-triune.config.ts", "v-triune.ts"];

function findFile(path: string, cwd: string): string {
  const full = resolve(cwd, path);
  if (!existsSync(full)) {
    throw new ConfigError({
      what: "The configuration file does not exist.",
      where: full,
      expected: "a .yaml, .json or .ts file, or a folder with a v-triune.yaml",
      found: "nothing there",
    });
  }
  if (!statSync(full).isDirectory()) return full;
  const found = FILE_NAMES.map((name) => join(full, name)).find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new ConfigError({
    what: "The folder holds no configuration.",
    where: full,
    expected: FILE_NAMES.join(", "),
    found: "none of them",
  });
}

function readYaml(file: string): { readonly value: unknown; readonly line: (path: KeyPath) => number | undefined } {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, "utf8"), { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new ConfigError({
      what: `The configuration is not valid ${extname(file) === ".json" ? "JSON" : "YAML"}.`,
      where: `${file}:${line}:${col}`,
      found: error.message,
      cause: error,
    });
  }
  return { value: document.toJS(), line: (path) => lineOf(document, lines, path) };
}

/** The line of the key at `path`, or of the nearest parent that is written. */
function lineOf(document: Document, lines: LineCounter, path: KeyPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined = isNode(node) ? node.range?.[0] : undefined;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === String(part));
      if (pair === undefined) break;
      offset = isNode(pair.key) ? pair.key.range?.[0] : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (isNode(node)) offset = node.range?.[0];
    } else {
      break;
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

/**
 * @param provided modules by name; everything else is resolved from the file's folder: its own modules and installed
 *   packages
 */
async function readModule(file: string, provided: ConfigModules): Promise<unknown> {
  const { loadConfig } = await import("c12");
  try {
    const virtualModules: Record<string, object> = {};
    for (const [name, load] of Object.entries(provided)) virtualModules[name] = await load();
    if (!("v-triune" in provided) && !canResolve("v-triune", file))
      virtualModules["v-triune"] = { defineTrainingConfig };
    const { config } = await loadConfig({
      cwd: dirname(file),
      configFile: basename(file),
      configFileRequired: true,
      rcFile: false,
      globalRc: false,
      packageJson: false,
      dotenv: false,
      giget: false,
      extend: false,
      envName: false,
      jitiOptions: { virtualModules },
    });
    return config;
  } catch (cause) {
    throw new ConfigError({
      what: "The configuration module can't be loaded.",
      where: file,
      expected: "a module whose default export is the configuration (see defineTrainingConfig)",
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}

function canResolve(name: string, from: string): boolean {
  try {
    createRequire(from).resolve(name);
    return true;
  } catch {
    return false;
  }
}

interface Override {
  readonly text: string;
  readonly path: KeyPath;
  readonly value: unknown;
  /** What its relative paths start from. */
  readonly folder: string;
}

/** An override that comes from another place than the command line, and whose relative paths start there. */
export interface PlacedOverride {
  readonly text: string;
  readonly folder: string;
}

/** `optimizer.lr=5e-7`, `data.train[0].cap=100`, `rollout.topK=null`; the value is read as YAML. */
export function parseOverride({ text, folder }: PlacedOverride): Override {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  const where = `--set ${text}`;
  if (at < 1 || !/^[\w-]+(\.[\w-]+|\[\d+\])*$/.test(key)) {
    throw new ConfigError({
      what: "An override can't be read.",
      where,
      expected: "--set key=value, as in --set optimizer.lr=5e-7",
      found: at < 0 ? "no =" : `the key "${key}"`,
    });
  }
  const path = [...key.matchAll(/[\w-]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
  try {
    return { text, path, folder, value: parse(text.slice(at + 1)) };
  } catch (cause) {
    throw new ConfigError({
      what: "The value of an override can't be read.",
      where,
      expected: 'a YAML value: a number, true, null, text, [1, 2], {key: value}; quote text that holds ": " or "#"',
      found: text.slice(at + 1),
      cause,
    });
  }
}

/** A copy of `root` with the value at `path` replaced; what lies on the way is made where it is missing. */
function withValue(root: unknown, path: KeyPath, value: unknown, done: KeyPath, where: string): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  if (typeof part === "number" && Array.isArray(root)) {
    if (part > root.length) {
      throw new ConfigError({
        what: "An override points past the end of a list.",
        where,
        expected: `an index of at most ${root.length}`,
        found: String(part),
      });
    }
    const copy: unknown[] = [...root];
    copy[part] = withValue(root[part], rest, value, [...done, part], where);
    return copy;
  }
  // A short form (a path as model, a glob as data.train) gives way to the object that the key belongs to.
  return {
    ...(isRecord(root) ? root : {}),
    [String(part)]: withValue(isRecord(root) ? root[String(part)] : undefined, rest, value, [...done, part], where),
  };
}

const isWritten = (root: unknown, path: KeyPath): boolean =>
  path.reduce<unknown>(
    (value, part) =>
      isRecord(value) || Array.isArray(value) ? (value as Record<string | number, unknown>)[part] : undefined,
    root,
  ) !== undefined;

const startsWith = (path: KeyPath, prefix: KeyPath): boolean =>
  prefix.length <= path.length && prefix.every((part, i) => String(part) === String(path[i]));

/**
 * @param path the file, a folder with a `v-triune.yaml`, or undefined for overrides alone
 * @param overrides texts of the form `key.path=value`, the last one of a key wins
 * @param modules what a TypeScript file can import besides what is installed beside it
 * @throws ConfigError when the file is missing or not valid YAML, JSON or TypeScript, or an override can't be read
 */
export async function readConfigSource(
  path: string | undefined,
  overrides: readonly (string | PlacedOverride)[],
  cwd: string,
  modules: ConfigModules = {},
): Promise<ConfigSource> {
  const file = path === undefined ? undefined : findFile(path, cwd);
  let value: unknown = {};
  let line: (path: KeyPath) => number | undefined = () => undefined;
  if (file !== undefined) {
    const extension = extname(file);
    if ([".yaml", ".yml", ".json"].includes(extension)) ({ value, line } = readYaml(file));
    else if ([".ts", ".mts", ".js", ".mjs"].includes(extension)) value = await readModule(file, modules);
    else {
      throw new ConfigError({
        what: "The configuration has an unknown format.",
        where: file,
        expected: ".yaml, .yml, .json, .ts, .mts, .js or .mjs",
        found: extension || "no extension",
      });
    }
    if (value === null) value = {};
    if (isRecord(value) && basename(file) === "run.json" && isRecord(value["config"])) {
      throw new ConfigError({
        what: "The file is a run's description, which holds more than its configuration.",
        where: file,
        expected: "a configuration, or the run's folder",
        found: "run.json",
        fix: `name the folder: ${dirname(file)}`,
      });
    }
  }
  const fileValue = value;
  const parsed = overrides.map((override) =>
    parseOverride(typeof override === "string" ? { text: override, folder: cwd } : override),
  );
  for (const override of parsed) value = withValue(value, override.path, override.value, [], `--set ${override.text}`);

  const overrideOf = (at: KeyPath): Override | undefined =>
    parsed.findLast((override) => startsWith(at, override.path));
  const stem = file === undefined ? undefined : basename(file, extname(file));
  return {
    value,
    locate(at) {
      // A key that an override made on its way is that override's, too.
      const override =
        overrideOf(at) ??
        (isWritten(fileValue, at) ? undefined : parsed.findLast(({ path: set }) => startsWith(set, at)));
      if (override !== undefined) return `--set ${override.text}`;
      if (file === undefined) return undefined;
      const number = line(at);
      return number === undefined ? file : `${file}:${number}`;
    },
    baseFolder: (at) => overrideOf(at)?.folder ?? (file === undefined ? cwd : dirname(file)),
    title: file === undefined ? undefined : /^v-triune(\.config)?$/.test(stem!) ? basename(dirname(file)) : stem,
  };
}
