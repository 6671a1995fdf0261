import type { Options } from "tsup";

/** The build of every package: ESM with declarations, one file per public entry, dependencies left outside. */
export function preset(entry: string[] = ["src/index.ts"], overrides: Partial<Options> = {}): Options {
  return {
    entry,
    format: "esm",
    target: "node20",
    dts: { compilerOptions: { ignoreDeprecations: "6.0", customConditions: [] } },
    sourcemap: true,
    clean: true,
    treeshake: true,
    ...overrides,
  };
}
