import { configDefaults, defineConfig } from "vitest/config";

/** The export condition that leads workspace imports to `src`, so that tests need no build. */
const conditions = ["@v-triune/source", "module", "node", "import", "default"];
const report = process.env.V_TRIUNE_TEST_REPORT;

const tests = ["packages/*/{src,web}/**/*.test.ts", "apps/*/{src,web}/**/*.test.ts", "tools/**/*.test.ts"];
/** Packages whose tests change nothing that others see: a process imports the code once for all of their files. */
const sharing = [
  "packages/{benchmarks,data-filters,demo-tasks,engines,errors,grpo,rewards,rollouts,schema,tinker,verifiers}/src/**/*.test.ts",
  "packages/training/src/{config,data,reporting,run-folder,sampling}/**/*.test.ts",
  "packages/monitor/web/**/*.test.ts",
  "packages/monitor/src/{*,!(dashboard)/**/*}.test.ts",
  "packages/monitor/src/dashboard/{*,!(server)/**/*}.test.ts",
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@v-triune/source", "node"] } },
  test: {
    projects: [
      { extends: true, test: { name: "apart", include: tests, exclude: [...configDefaults.exclude, ...sharing] } },
      { extends: true, test: { name: "sharing", include: sharing, isolate: false } },
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report ? ["default", "json"] : ["default"],
    ...(report ? { outputFile: { json: report } } : {}),
  },
});
