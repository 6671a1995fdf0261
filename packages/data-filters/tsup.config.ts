import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

export default defineConfig(
  preset(["src/index.ts", "src/browser/index.ts", "src/conformance.ts", "src/workers/text-worker.ts"]),
);
