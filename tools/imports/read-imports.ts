/**
 * Every import of the workspace's source files: static, type-only, dynamic, `import("..").Type`, re-exports, and files
 * that `new URL("..", import.meta.url)` names, which is how threads and child processes are started.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { parseSync, Visitor, type Node } from "oxc-parser";

/** A package or app of the workspace. */
export interface Package {
  /** Its folder, relative to the root: "packages/schema". */
  readonly folder: string;
  /** Its name without the scope: "schema", "v-triune". */
  readonly name: string;
  /**
   * The file behind each of its entry points, by what an import says: "@v-triune/schema" ->
   * "packages/schema/src/index.ts".
   */
  readonly entries: ReadonlyMap<string, string>;
}

export interface Import {
  /** File that imports, relative to the root. */
  readonly file: string;
  readonly line: number;
  /** What it imports, as written. */
  readonly specifier: string;
  /** The imported file relative to the root, if it is a source file of the workspace. */
  readonly target?: string;
}

export interface Workspace {
  readonly packages: readonly Package[];
  readonly files: ReadonlySet<string>;
  readonly imports: readonly Import[];
}

const SOURCE_FILE = /\.(ts|tsx|mts|mjs|js)$/;
const SKIPPED = new Set(["node_modules", "dist"]);

/** @param root folder that holds `packages` and `apps` */
export function readWorkspace(root: string): Workspace {
  const folders = ["packages", "apps"].flatMap((group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => `${group}/${name}`) : [],
  );
  const packages = folders
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => readPackage(root, folder));
  const files = new Set(packages.flatMap(({ folder }) => listFiles(root, folder)));
  const entries = new Map(packages.flatMap((one) => [...one.entries]));
  const imports = [...files].flatMap((file) => readImports(root, file, files, entries));
  return { packages, files, imports };
}

/** The package that a file lies in. */
export function packageOf(workspace: Workspace, file: string): Package {
  return workspace.packages.find(({ folder }) => file.startsWith(`${folder}/`))!;
}

/** Whether a file is only for tests: a test, a bench, or a helper of them. */
export function isTestFile(file: string): boolean {
  return /\.(test|test-d|bench)\.tsx?$/.test(file) || file.includes("/testing/");
}

function readPackage(root: string, folder: string): Package {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  };
  const entries = Object.entries(manifest.exports ?? {}).flatMap(([path, conditions]) => {
    const source = typeof conditions === "string" ? conditions : conditions["@v-triune/source"];
    return source === undefined ? [] : [[posix.join(manifest.name, path), posix.join(folder, source)] as const];
  });
  return { folder, name: manifest.name.replace("@v-triune/", ""), entries: new Map(entries) };
}

/** Source files below a folder; those directly in a package's folder configure tools and are left out. */
function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory() || SKIPPED.has(entry.name)) return [];
    const inside = `${folder}/${entry.name}`;
    const own = readdirSync(join(root, inside), { withFileTypes: true })
      .filter((file) => file.isFile() && SOURCE_FILE.test(file.name))
      .map((file) => `${inside}/${file.name}`);
    return [...own, ...listFiles(root, inside)];
  });
}

function readImports(
  root: string,
  file: string,
  files: ReadonlySet<string>,
  entries: ReadonlyMap<string, string>,
): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...importedNames(file, text)].map(([start, specifier]) => ({
    file,
    line: text.slice(0, start).split("\n").length,
    specifier,
    target: specifier.startsWith(".") ? resolveRelative(file, specifier, files) : entries.get(specifier),
  }));
}

/** Every literal with which a file names another module, by its place in the text. */
function importedNames(file: string, text: string): Map<number, string> {
  const result = parseSync(file, text);
  const specifiers = new Map<number, string>();
  const { staticImports, staticExports } = result.module;
  for (const { moduleRequest } of [...staticImports, ...staticExports.flatMap(({ entries }) => entries)])
    if (moduleRequest) specifiers.set(moduleRequest.start, moduleRequest.value);

  // Static imports come without the syntax tree, which takes ten times as long to read: only for files that need it.
  if (/\bimport\s*\(|\bimport\.meta\b/.test(text)) {
    const add = (node: Node | undefined): void => {
      const value = node && literalText(node);
      if (value !== undefined) specifiers.set(node!.start, value);
    };
    new Visitor({
      ImportExpression: ({ source }) => add(source),
      TSImportType: ({ source }) => add(source),
      NewExpression: ({ callee, arguments: [path, base] }) => {
        if (callee.type === "Identifier" && callee.name === "URL" && isModuleUrl(base)) add(path);
      },
    }).visit(result.program);
  }
  return specifiers;
}

/** `import.meta.url` */
function isModuleUrl(node: Node | undefined): boolean {
  return node?.type === "MemberExpression" && node.object.type === "MetaProperty";
}

function literalText(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral" && node.expressions.length === 0)
    return node.quasis[0]!.value.cooked ?? undefined;
  return undefined;
}

function resolveRelative(file: string, specifier: string, files: ReadonlySet<string>): string | undefined {
  const path = posix.join(dirname(file), specifier);
  const written = [path, path.replace(/\.js$/, ".ts")];
  const added = [".ts", ".tsx", ".mts", ".mjs", ".js", "/index.ts"].map((ending) => path + ending);
  return [...written, ...added].find((candidate) => files.has(candidate));
}
