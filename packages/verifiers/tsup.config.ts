import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

const { dts, noExternal, ...options } = preset([
  "src/index.ts",
  "src/answer/index.ts",
  "src/math/index.ts",
  "src/detection/index.ts",
  "src/format/index.ts",
  "src/evals/index.ts",
  "src/conformance.ts",
  "src/parity/index.ts",
]);

/** The package has no dependency: the errors that it throws, and their types, are built into it. */
const ERRORS = "@v-triune/errors";

export default defineConfig({
  ...options,
  noExternal: [...(noExternal ?? []), ERRORS],
  dts: { ...(dts as object), resolve: [ERRORS] },
});
