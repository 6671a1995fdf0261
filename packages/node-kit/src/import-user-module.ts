/** Modules that a person wrote, as a thread imports them: JavaScript, or TypeScript by Node itself or by tsx. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ErrorDetails } from "@v-triune/errors";

export interface ImportUserModuleOptions {
  /** Says that the module cannot be imported. */
  readonly notImported: string;
  /** Says that it is TypeScript, which this Node does not run. */
  readonly noTypeScript: string;
  /** Makes the error that is thrown. */
  readonly refuse: (details: ErrorDetails) => Error;
}

/** @throws what `refuse` makes, when the module cannot be imported */
export async function importUserModule(
  module: string,
  options: ImportUserModuleOptions,
): Promise<Record<string, unknown>> {
  const features = process.features as { readonly typescript?: string | false };
  const needsTsx = /\.[cm]?ts$/.test(module) && !features.typescript;
  const tsx = needsTsx ? await importTsx(module, options) : undefined;
  try {
    if (tsx !== undefined) return await tsx.tsImport(module, import.meta.url);
    return (await import(module)) as Record<string, unknown>;
  } catch (error) {
    throw options.refuse({
      what: options.notImported,
      where: module,
      found: error instanceof Error ? error.message : String(error),
      fix: isCommonJsMistake(error)
        ? 'name the file .mjs or .mts, or set "type": "module" in its package.json'
        : undefined,
      cause: error,
    });
  }
}

/** An export; a module that was compiled to CommonJS has its own exports inside `default`. */
export function exportOf(exports: Record<string, unknown>, name: string): unknown {
  const inner = exports["default"] as Record<string, unknown> | undefined;
  const isInterop =
    typeof inner === "object" &&
    inner !== null &&
    !Array.isArray(inner) &&
    (inner["__esModule"] === true || "default" in inner);
  return isInterop ? inner[name] : exports[name];
}

/** Whether Node took an ES module for CommonJS, as a package.json with "type": "commonjs" tells it to. */
function isCommonJsMistake(error: unknown): boolean {
  return (
    error instanceof SyntaxError &&
    /Unexpected token 'export'|Cannot use import statement outside a module/.test(error.message)
  );
}

/** The part of tsx that is used. */
interface Tsx {
  tsImport(specifier: string, parent: string): Promise<Record<string, unknown>>;
}

/** tsx as the working folder has it installed. */
async function importTsx(module: string, { noTypeScript, refuse }: ImportUserModuleOptions): Promise<Tsx> {
  try {
    const resolve = createRequire(join(process.cwd(), "package.json")).resolve;
    const path = resolve("tsx/esm/api").replace(/index\.cjs$/, "index.mjs");
    return (await import(pathToFileURL(path).href)) as Tsx;
  } catch (error) {
    throw refuse({
      what: noTypeScript,
      where: module,
      expected: `Node 22.18 or newer, or tsx installed in ${process.cwd()}`,
      found: `Node ${process.versions.node}, without tsx`,
      fix: "npm install tsx",
      cause: error,
    });
  }
}
