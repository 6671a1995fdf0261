/** Verifiers from modules, as a worker imports them. */
import { VTriuneError, describeValue } from "@v-triune/errors";
import { exportOf, importUserModule } from "@v-triune/node-kit/import-user-module";
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

async function importModule(module: string): Promise<Record<string, unknown>> {
  if (module === BUILTIN_VERIFIERS) return await import("../builtin-verifiers");
  return importUserModule(module, {
    notImported: "A verifier module cannot be imported.",
    noTypeScript: "A verifier in TypeScript cannot be loaded.",
    refuse: (details) => new VerifierLoadError(details),
  });
}

function isVerifier(value: unknown): value is Verifier {
  const verifier = value as Partial<Verifier> | null | undefined;
  return typeof verifier?.name === "string" && typeof verifier.verify === "function";
}
