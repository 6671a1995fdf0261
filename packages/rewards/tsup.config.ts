import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

export default defineConfig(
  preset([
    "src/index.ts",
    "src/parity/index.ts",
    "src/isolated/index.ts",
    "src/isolated/verifier-worker.ts",
    "src/builtin-verifiers.ts",
    "src/audit/index.ts",
    "src/judge/index.ts",
    "src/conformance.ts",
  ]),
);
