import { defineConfig } from "vitest/config";

/** The export condition that leads workspace imports to `src`, so that tests need no build. */
const conditions = ["@v-triune/source", "module", "node", "import", "default"];
const report = process.env.V_TRIUNE_TEST_REPORT;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@v-triune/source", "node"] } },
  test: {
    include: ["packages/*/{src,web}/**/*.test.ts", "apps/*/src/**/*.test.ts", "tools/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report ? ["default", "json"] : ["default"],
    ...(report ? { outputFile: { json: report } } : {}),
  },
});
