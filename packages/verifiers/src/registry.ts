import type { Verifier } from "./verifier";

/**
 * The set of verifiers of a run: a value that is passed along, never a global. Adding a verifier is one more entry in the list.
 */

/** Two verifiers with one name, a verifier without a name, or a name nobody registered. */
export class VerifierRegistryError extends Error {
  override readonly name: string = "VerifierRegistryError";
}

/** A sample asks for a verifier that the registry does not hold. */
export class UnknownVerifierError extends VerifierRegistryError {
  override readonly name = "UnknownVerifierError";
  /** The known name that differs least, if one is close. */
  readonly nearest: string | undefined;

  constructor(
    /** The name asked for. */
    readonly verifier: string,
    /** The names there are. */
    readonly known: readonly string[],
  ) {
    const nearest = nearestName(verifier, known);
    const hint =
      nearest === undefined
        ? "Add it to the list given to createVerifierRegistry, or correct the sample's reward_model.verifier."
        : `Did you mean ${JSON.stringify(nearest)}?`;
    super(`Unknown verifier ${JSON.stringify(verifier)}; known: ${known.join(", ") || "none"}. ${hint}`);
    this.nearest = nearest;
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
      throw new VerifierRegistryError(
        `createVerifierRegistry: entry ${index} is no verifier; expected { name: "..", verify(response, sample) }`,
      );
    }
    if (byName.has(verifier.name))
      throw new VerifierRegistryError(
        `createVerifierRegistry: entry ${index} repeats the name ${JSON.stringify(verifier.name)}; give each verifier its own`,
      );
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

/** The name with the fewest edits, if fewer than half of its letters would change. */
function nearestName(name: string, names: readonly string[]): string | undefined {
  const asked = String(name).toLowerCase().slice(0, 64);
  let best: string | undefined;
  let fewest = Infinity;
  for (const candidate of names) {
    const edits = editDistance(asked, candidate.toLowerCase());
    if (edits < fewest && edits <= candidate.length / 2) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
