import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

export default defineConfig(
  preset([
    "src/index.ts",
    "src/math/index.ts",
    "src/detection/index.ts",
    "src/format/index.ts",
    "src/conformance.ts",
    "src/parity/index.ts",
  ]),
);
