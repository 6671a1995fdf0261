/** Verifiers from modules, as a worker imports them. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { VTriuneError, describeValue } from "@v-triune/errors";
import type { Verifier } from "@v-triune/verifiers";
import type { VerifierModule } from "./protocol";

/** The module of the built-in verifiers. The worker has it in itself, so that it also loads in a clone. */
export const BUILTIN_VERIFIERS = "@v-triune/rewards/builtin-verifiers";

/** Verifier modules that cannot be used: which one, and why. */
export class VerifierLoadError extends VTriuneError {
  override readonly name = "VerifierLoadError";
}

/**
 * Imports verifiers. Runs inside the worker.
 *
 * @throws VerifierLoadError naming the module when it cannot be imported, has no such export, or exports no verifier
 */
export async function loadVerifiers(modules: readonly VerifierModule[]): Promise<Verifier[]> {
  const verifiers: Verifier[] = [];
  for (const module of modules) verifiers.push(...(await loadModule(module)));
  return verifiers;
}

async function loadModule({ module, export: name = "default", options }: VerifierModule): Promise<Verifier[]> {
  const exports = await importModule(module);
  const exported = exportOf(exports, name);
  if (exported === undefined) {
    throw new VerifierLoadError({
      what: `A verifier module has no export ${JSON.stringify(name)}.`,
      where: module,
      expected: `an export named ${name}`,
      found: Object.keys(exports).join(", ") || "a module without exports",
      fix: "export the verifier under that name, or ask for one that the module has",
    });
  }
  const made: unknown =
    typeof exported === "function" ? await (exported as (options: unknown) => unknown)(options) : exported;
  return [made].flat().map((verifier: unknown) => {
    if (isVerifier(verifier)) return verifier;
    throw new VerifierLoadError({
      what: `The export ${JSON.stringify(name)} of a verifier module is not a verifier.`,
      where: module,
      expected: "a verifier { name, verify(response, sample) }, a list of them, or a function that returns them",
      found: describeValue(verifier),
    });
  });
}

/** An export; a module that was compiled to CommonJS has its own exports inside `default`. */
function exportOf(exports: Record<string, unknown>, name: string): unknown {
  const inner = exports["default"] as Record<string, unknown> | undefined;
  const isInterop =
    typeof inner === "object" &&
    inner !== null &&
    !Array.isArray(inner) &&
    (inner["__esModule"] === true || "default" in inner);
  return isInterop ? inner[name] : exports[name];
}

/** TypeScript goes through tsx where Node itself does not run it (Node before 22.18). */
async function importModule(module: string): Promise<Record<string, unknown>> {
  if (module === BUILTIN_VERIFIERS) return await import("../builtin-verifiers");
  const features = process.features as { readonly typescript?: string | false };
  const needsTsx = /\.[cm]?ts$/.test(module) && !features.typescript;
  const tsx = needsTsx ? await importTsx(module) : undefined;
  try {
    if (tsx !== undefined) return await tsx.tsImport(module, import.meta.url);
    return (await import(module)) as Record<string, unknown>;
  } catch (error) {
    throw new VerifierLoadError({
      what: "A verifier module cannot be imported.",
      where: module,
      found: error instanceof Error ? error.message : String(error),
      fix: isCommonJsMistake(error)
        ? 'name the file .mjs or .mts, or set "type": "module" in its package.json'
        : undefined,
      cause: error,
    });
  }
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
async function importTsx(module: string): Promise<Tsx> {
  try {
    const resolve = createRequire(join(process.cwd(), "package.json")).resolve;
    const path = resolve("tsx/esm/api").replace(/index\.cjs$/, "index.mjs");
    return (await import(pathToFileURL(path).href)) as Tsx;
  } catch (error) {
    throw new VerifierLoadError({
      what: "A verifier in TypeScript cannot be loaded.",
      where: module,
      expected: `Node 22.18 or newer, or tsx installed in ${process.cwd()}`,
      found: `Node ${process.versions.node}, without tsx`,
      fix: "npm install tsx",
      cause: error,
    });
  }
}

function isVerifier(value: unknown): value is Verifier {
  const verifier = value as Partial<Verifier> | null | undefined;
  return typeof verifier?.name === "string" && typeof verifier.verify === "function";
}
