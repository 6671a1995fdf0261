import { defineConfig } from "tsup";
import { preset } from "../../tools/tsup-preset";

export default defineConfig(
  preset([
    "src/index.ts",
    "src/browser/index.ts",
    "src/dashboard/index.ts",
    "src/dashboard/thread/dashboard-thread.ts",
    "src/main.ts",
  ]),
);
