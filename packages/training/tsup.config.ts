import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

export default defineConfig(
  preset([
    "src/index.ts",
    "src/browser/index.ts",
    "src/config/index.ts",
    "src/run-folder/index.ts",
    "src/parallel/compute-thread.ts",
    "src/data/data-thread.ts",
    "src/sampling/tool-thread.ts",
  ]),
);
