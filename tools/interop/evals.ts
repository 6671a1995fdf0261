/**
 * The adapters of `@v-triune/verifiers/evals` in the real evaluation frameworks, which are not installed with the
 * workspace:
 *
 *     mkdir evals && cd evals && npm init -y && npm install autoevals evalite vitest langsmith openevals @mastra/core promptfoo
 *     V_TRIUNE_EVALS=/path/to/evals node tools/run.mjs tools/interop/evals.ts
 *
 * What is missing there is skipped, and said. No framework needs a key or the network for this.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

/** The esbuild that tsup, which builds the packages, brings. */
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsup"))("esbuild") as {
  buildSync(options: object): unknown;
};

const root = resolve(import.meta.dirname, "../..");
const installed = process.env["V_TRIUNE_EVALS"];
if (installed === undefined || !existsSync(installed)) {
  console.log(
    "skipped: set V_TRIUNE_EVALS to a folder with the frameworks installed; see the head of tools/interop/evals.ts",
  );
  process.exit(0);
}
const folder = join(installed, "v-triune-interop");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);

esbuild.buildSync({
  stdin: {
    contents: `export * from "./packages/verifiers/src/evals/index.ts"; export { answer } from "./packages/verifiers/src/index.ts";`,
    resolveDir: root,
  },
  bundle: true,
  format: "esm",
  platform: "node",
  conditions: ["@v-triune/source"],
  outfile: join(folder, "verifiers.mjs"),
});

function has(name: string): boolean {
  const isThere = existsSync(join(installed as string, "node_modules", name));
  if (!isThere) console.log(`skipped: ${name} is not installed in ${installed}`);
  return isThere;
}

function run(name: string, command: readonly string[], isExpected: (output: string) => boolean): void {
  const [program = "", ...words] = command;
  const env = {
    ...process.env,
    PROMPTFOO_DISABLE_TELEMETRY: "1",
    PROMPTFOO_DISABLE_UPDATE: "1",
    PROMPTFOO_CONFIG_DIR: folder,
    NO_COLOR: "1",
  };
  const { stdout, stderr, status } = spawnSync(program, words, {
    cwd: folder,
    encoding: "utf8",
    env,
    timeout: 300_000,
  });
  if (isExpected(stdout + stderr)) return console.log(`${name}: as expected`);
  console.error(`${name} ended with ${status}:\n${(stdout + stderr).slice(-3000)}`);
  process.exitCode = 1;
}

const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
const says = (text: string) => (output: string) => output.includes(text);

/** Before 1.0, which needs Node 22, Mastra's scorers are at another entry. */
const MASTRA = existsSync(join(installed, "node_modules/@mastra/core/dist/evals/base.d.ts"))
  ? "@mastra/core/evals"
  : "@mastra/core/scores";

/** The types of each framework, on one function each. */
const TYPED: Readonly<Record<string, string>> = {
  autoevals: `import type { Scorer } from "autoevals"; export const a: Scorer<string, object> = autoevalsScorer(answer);`,
  evalite: `import { createScorer } from "evalite"; export const b = createScorer<string, string, string>(evaliteScorer(answer));`,
  langsmith: `import { evaluate } from "langsmith/evaluation"; export const c = () => evaluate((x: object) => x, { data: "d", evaluators: [langsmithEvaluator(answer)] });`,
  openevals: `import type { SimpleEvaluator } from "openevals"; export const d: SimpleEvaluator = (p) => { const { score = 0, ...rest } = langsmithEvaluator(answer)(p); return { score, ...rest }; };`,
  "@mastra/core": `import { createScorer } from "${MASTRA}"; const m = mastraSteps(answer); export const e = createScorer(m.config).generateScore(m.generateScore).generateReason(m.generateReason);`,
  promptfoo: `import type { AssertionValueFunction } from "promptfoo"; export const f: AssertionValueFunction = promptfooAssertion(answer);`,
};
const NAMES = "autoevalsScorer, evaliteScorer, langsmithEvaluator, mastraSteps, promptfooAssertion";
for (const [name, line] of Object.entries(TYPED)) {
  if (!has(name)) continue;
  write(
    "typed.ts",
    `import { ${NAMES} } from "@v-triune/verifiers/evals"; import { answer } from "@v-triune/verifiers"; void [${NAMES}];\n${line}\n`,
  );
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2022",
    customConditions: ["@v-triune/source"],
    types: [],
    paths: {
      "@v-triune/verifiers/evals": [join(root, "packages/verifiers/src/evals/index.ts")],
      "@v-triune/verifiers": [join(root, "packages/verifiers/src/index.ts")],
      "@v-triune/errors": [join(root, "packages/errors/src/index.ts")],
    },
  };
  write(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { ...options, lib: ["es2023", "dom"] }, files: ["typed.ts"] }),
  );
  run(
    `types of ${name}`,
    [process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", "."],
    (output) => output.trim() === "",
  );
}

if (has("langsmith")) {
  const evaluators = readdirSync(join(installed, "node_modules/langsmith"), { recursive: true, encoding: "utf8" });
  const evaluator = evaluators.find((path) => path.endsWith("evaluation/evaluator.js"));
  write(
    "langsmith.mjs",
    `import { runEvaluator } from ${JSON.stringify(join(installed, "node_modules/langsmith", evaluator ?? ""))};
     import { answer, langsmithEvaluator } from "./verifiers.mjs";
     const run = { id: "1", outputs: { text: "**50 mm**" }, inputs: {} };
     console.log(JSON.stringify(await runEvaluator(langsmithEvaluator(answer)).evaluateRun(run, { outputs: { width: "5 cm" } })));`,
  );
  run("langsmith", [process.execPath, "langsmith.mjs"], says('"score":1'));
}

if (has("@mastra/core")) {
  write(
    "mastra.mjs",
    `import { createScorer } from "${MASTRA}"; import { answer, mastraSteps } from "./verifiers.mjs";
     const { config, generateScore, generateReason } = mastraSteps(answer);
     const scorer = createScorer(config).generateScore(generateScore).generateReason(generateReason);
     const { score, reason } = await scorer.run({ input: "How wide?", output: "**50 mm**", groundTruth: "5 cm" });
     console.log(JSON.stringify([score, reason]));`,
  );
  run("@mastra/core", [process.execPath, "mastra.mjs"], says('[1,"right"]'));
}

if (has("evalite")) {
  // Its default storage is a native module, which may not have been built.
  write(
    "evalite.config.ts",
    `import { defineConfig } from "evalite/config"; import { createInMemoryStorage } from "evalite/in-memory-storage";
     export default defineConfig({ storage: () => createInMemoryStorage() });`,
  );
  write(
    "math.eval.ts",
    `import { evalite } from "evalite"; import { answer, evaliteScorer } from "./verifiers.mjs";
     evalite("widths", {
       data: [{ input: "50 mm", expected: "5 cm" }, { input: "6 cm", expected: "5 cm" }],
       task: async (input: string) => \`It is \${input}.\`,
       scorers: [evaliteScorer(answer)],
     });`,
  );
  run("evalite", [process.execPath, join(installed, "node_modules/.bin/evalite"), "run", "math.eval.ts"], says("50%"));
}

if (has("promptfoo")) {
  write(
    "answer.mjs",
    `import { answer, promptfooAssertion } from "./verifiers.mjs"; export default promptfooAssertion(answer);`,
  );
  write(
    "promptfooconfig.yaml",
    `providers: [echo]
prompts: ["It is {{width}}."]
defaultTest: { assert: [{ type: javascript, value: "file://answer.mjs" }] }
tests:
  - vars: { width: 50 mm, expected: 5 cm }
  - vars: { width: 6 cm, expected: 5 cm }
`,
  );
  const words = [
    join(installed, "node_modules/.bin/promptfoo"),
    "eval",
    "--no-cache",
    "--no-progress-bar",
    "-o",
    "out.json",
  ];
  const reasons = ["answer: right, accuracy 1, expected 5 cm", "answer: wrong, accuracy 0, expected 5 cm"];
  run("promptfoo", [process.execPath, ...words], () => {
    const report = existsSync(join(folder, "out.json")) ? readFileSync(join(folder, "out.json"), "utf8") : "";
    return reasons.every((reason) => report.includes(reason));
  });
}
