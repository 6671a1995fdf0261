import { VTriuneError, describeValue, nearest } from "@v-triune/errors";
import type { Verifier } from "./verifier";

/**
 * Longer names are cut before they are compared: a name comes from data, and the comparison takes the product of the
 * lengths.
 */
const LONGEST_NAME = 64;

/**
 * The set of verifiers of a run: a value that is passed along, never a global. Adding a verifier is one more entry in
 * the list.
 */

/** Two verifiers with one name, a verifier without a name, or a name that no verifier has. */
export class VerifierRegistryError extends VTriuneError {
  override readonly name: string = "VerifierRegistryError";
}

/** A sample asks for a verifier that the registry lacks. */
export class UnknownVerifierError extends VerifierRegistryError {
  override readonly name = "UnknownVerifierError";
  /** The name that was asked for. */
  readonly verifier: string;
  /** The names of the registry. */
  readonly known: readonly string[];
  /** The known name that was probably meant, if any. */
  readonly nearest: string | undefined;

  constructor(verifier: string, known: readonly string[]) {
    const meant = nearest(String(verifier).slice(0, LONGEST_NAME), known) ?? undefined;
    super({
      what: `Unknown verifier ${JSON.stringify(verifier)}.`,
      expected: known.length === 0 ? "a verifier in the registry, which is empty" : `one of ${known.join(", ")}`,
      fix:
        meant === undefined
          ? "add it to the list for createVerifierRegistry, or fix the sample's reward_model.verifier"
          : `did you mean ${JSON.stringify(meant)}?`,
    });
    this.verifier = verifier;
    this.known = known;
    this.nearest = meant;
  }
}

/** Verifiers by name. */
export interface VerifierRegistry {
  /** The registered names, in the order of the list. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /** @throws UnknownVerifierError with the known names and the nearest one */
  get(name: string): Verifier;
}

/**
 * Makes a registry.
 *
 * @throws VerifierRegistryError when a name is empty or given twice
 * @example createVerifierRegistry([mathverify, detection]).get("detection")
 */
export function createVerifierRegistry(verifiers: readonly Verifier[]): VerifierRegistry {
  const byName = new Map<string, Verifier>();
  for (const [index, verifier] of verifiers.entries()) {
    if (typeof verifier?.name !== "string" || verifier.name === "" || typeof verifier.verify !== "function") {
      throw new VerifierRegistryError({
        what: "An entry of the registry is not a verifier.",
        where: `createVerifierRegistry, entry ${index}`,
        expected: '{ name: "..", verify(response, sample) }',
        found: describeValue(verifier),
      });
    }
    if (byName.has(verifier.name))
      throw new VerifierRegistryError({
        what: `Two verifiers have the name ${JSON.stringify(verifier.name)}.`,
        where: `createVerifierRegistry, entry ${index}`,
        fix: "give each verifier its own name",
      });
    byName.set(verifier.name, verifier);
  }
  const names = [...byName.keys()];
  return {
    names,
    has: (name) => byName.has(name),
    get(name) {
      const verifier = byName.get(name);
      if (verifier === undefined) throw new UnknownVerifierError(name, names);
      return verifier;
    },
  };
}
