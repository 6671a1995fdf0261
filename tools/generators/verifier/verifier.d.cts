import type { GeneratorCallback, Tree } from "@nx/devkit";

/** Makes a verifier's files and registers it; see verifier.cjs. */
declare function verifierGenerator(tree: Tree, options: { readonly name: string }): GeneratorCallback;
declare namespace verifierGenerator {
  /** A verifier could not be made; nothing was written. */
  class VerifierGeneratorError extends Error {}
}
export = verifierGenerator;
