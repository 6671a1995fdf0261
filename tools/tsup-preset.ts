import type { Options } from "tsup";

/**
 * The build of every package: ESM with declarations, one file per public entry, dependencies left outside. Private
 * packages go in.
 */
export function preset(entry: string[] = ["src/index.ts"], overrides: Partial<Options> = {}): Options {
  return {
    entry,
    format: "esm",
    target: "node20",
    noExternal: [/^@v-triune\/(node-kit|demo-tasks)(\/|$)/],
    dts: { compilerOptions: { ignoreDeprecations: "6.0", customConditions: [] } },
    sourcemap: false, // the code is readable without, and maps would triple the tarballs
    clean: true,
    treeshake: true,
    ...overrides,
  };
}
