import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Verifier } from "@v-triune/verifiers";
import type { VerifierModule } from "./protocol";

/** The module of the built-in verifiers. The worker has it in itself, so that it also loads in a clone. */
export const BUILTIN_VERIFIERS = "@v-triune/rewards/builtin-verifiers";

/** Verifier modules that cannot be used: which one, and why. */
export class VerifierLoadError extends Error {
  override readonly name = "VerifierLoadError";
}

/**
 * Imports verifiers. Runs inside the worker.
 *
 * @throws VerifierLoadError naming the module when it cannot be imported, has no such export, or what it exports is no verifier
 */
export async function loadVerifiers(modules: readonly VerifierModule[]): Promise<Verifier[]> {
  const verifiers: Verifier[] = [];
  for (const { module, export: name = "default", options } of modules) {
    const where = `verifier module ${JSON.stringify(module)}`;
    let exports: Record<string, unknown>;
    try {
      exports = await importModule(module);
    } catch (error) {
      throw new VerifierLoadError(
        `${where} cannot be imported: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    const exported = exportOf(exports, name);
    if (exported === undefined)
      throw new VerifierLoadError(
        `${where} has no export ${JSON.stringify(name)}; it has ${Object.keys(exports).join(", ") || "none"}`,
      );
    const made: unknown =
      typeof exported === "function" ? await (exported as (options: unknown) => unknown)(options) : exported;
    for (const verifier of [made].flat()) {
      if (!isVerifier(verifier))
        throw new VerifierLoadError(
          `${where}, export ${JSON.stringify(name)}: a verifier { name, verify(response, sample) }, a list of them, or a function that returns them expected`,
        );
      verifiers.push(verifier);
    }
  }
  return verifiers;
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
  if (!/\.[cm]?ts$/.test(module) || features.typescript) return (await import(module)) as Record<string, unknown>;
  let tsx: { tsImport(specifier: string, parent: string): Promise<Record<string, unknown>> };
  try {
    tsx = (await import(
      pathToFileURL(
        createRequire(join(process.cwd(), "package.json"))
          .resolve("tsx/esm/api")
          .replace(/index\.cjs$/, "index.mjs"),
      ).href
    )) as typeof tsx;
  } catch (error) {
    throw new VerifierLoadError("a verifier in TypeScript needs tsx here (npm install tsx), or Node 22.18 and later", {
      cause: error,
    });
  }
  return tsx.tsImport(module, import.meta.url);
}

function isVerifier(value: unknown): value is Verifier {
  const verifier = value as Partial<Verifier> | null | undefined;
  return typeof verifier?.name === "string" && typeof verifier.verify === "function";
}
