/**
 * npm run check:tarballs, after npm run build: installs the tarballs that npm would get in empty folders and uses them
 * as a new user does. It takes some minutes and the network, so it is not part of npm test; a release needs it.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { exampleFiles, expectedOutput } from "./examples/markdown-examples";
import { packPackages } from "./pack-packages.mjs";
import { EmptyProject } from "./tarballs/empty-project";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const tsx = pathToFileURL(require.resolve("tsx")).href;
const typescript = require.resolve("typescript/bin/tsc");
const packed = mkdtempSync(join(tmpdir(), "v-triune-tarballs-"));
const tarballs = packPackages(packed);
const pathsOf = (...names: string[]) => packPackages(packed, names).map(({ path }) => path);
const problems: string[] = [];

/** When the scene began with its `npm install`. */
let sceneStart = performance.now();
const sceneSeconds = (): string => `${((performance.now() - sceneStart) / 1000).toFixed(1)} s`;

function check(what: string, holds: boolean, detail = ""): void {
  console.log(`  ${holds ? "ok  " : "FAIL"} ${sceneSeconds().padStart(8)}  ${what}`);
  if (holds) return;
  problems.push(what);
  if (detail !== "") console.log(detail.trimEnd().replaceAll(/^/gm, "        "));
}

/** Runs one scene in an empty folder. */
async function scene(title: string, play: (project: EmptyProject) => void | Promise<void>): Promise<void> {
  console.log(`\n== ${title}`);
  sceneStart = performance.now();
  const project = new EmptyProject("project");
  try {
    await play(project);
  } catch (error) {
    check(title, false, error instanceof Error ? error.message : String(error));
  } finally {
    project.close();
  }
  console.log(`-- ${sceneSeconds()}`);
}

/** Runs examples of `examples/` in the project and compares what they print. */
function runExamples(project: EmptyProject, files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(join(project.folder, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(project.folder, file));
  }
  for (const file of files) {
    const { stdout, stderr } = project.run(process.execPath, "--import", tsx, file);
    const expected = expectedOutput(readFileSync(join(root, file), "utf8"));
    check(`${file} prints what it says`, stdout.trimEnd() === expected, `${stdout}${stderr}`);
  }
}

/**
 * Type-checks the project's TypeScript files and our declarations. Those of tfjs-core have errors that are not ours.
 */
function typeCheck(project: EmptyProject, moduleResolution: "nodenext" | "bundler", ...files: string[]): void {
  const module = moduleResolution === "nodenext" ? "nodenext" : "esnext";
  const config = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      target: "es2022",
      module,
      moduleResolution,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
    },
    include: files,
  };
  project.write("tsconfig.json", JSON.stringify(config));
  const { stdout } = project.run(process.execPath, typescript, "-p", "tsconfig.json");
  const ours = stdout
    .split("\n")
    .filter((line) => /error TS/.test(line) && !/^\S*node_modules\/(?!@?v-triune)/.test(line));
  const what = `TypeScript takes ${files.join(", ")} with moduleResolution ${moduleResolution}`;
  check(what, ours.length === 0, ours.join("\n"));
}

await scene("@v-triune/verifiers alone", (project) => {
  project.install(...pathsOf("@v-triune/verifiers"));
  runExamples(
    project,
    exampleFiles(root).filter((file) => file.startsWith("examples/verifiers/")),
  );
  typeCheck(project, "nodenext", "examples/**/*.ts");
  typeCheck(project, "bundler", "examples/**/*.ts");

  const print = 'console.log(verify(parse("1/2"), parse("0.5")));';
  project.write("dynamic.cjs", `import("@v-triune/verifiers/math").then(({ parse, verify }) => { ${print} });`);
  const dynamic = project.run(process.execPath, "dynamic.cjs");
  check("CommonJS code loads it with import()", dynamic.stdout === "true\n", dynamic.stderr);
  project.write("typed.cts", `import { parse, verify } from "@v-triune/verifiers/math";\n${print}\n`);
  typeCheck(project, "nodenext", "typed.cts");
});

await scene("@v-triune/rewards, the reward server and the Python client", async (project) => {
  project.install(...pathsOf("@v-triune/rewards", "@v-triune/reward-server"));
  const own =
    'export default { name: "own", verify: () => ({ status: "scored", accuracy: 1, format: 1, metrics: {} }) };\n';
  project.write("own-verifier.mjs", own);
  const client = project.run("npx", "@v-triune/rewards", "python-client");
  check(
    "npx @v-triune/rewards python-client prints the client",
    client.stdout.includes("class RewardClient"),
    client.stderr,
  );
  project.write("v_triune_reward.py", client.stdout);
  for (const name of ["@v-triune/rewards", "@v-triune/reward-server"]) {
    const { stdout, stderr } = project.run("npx", name, "--version");
    check(`npx ${name} --version`, stdout.trim() === tarballs.find((one) => one.name === name)?.version, stderr);
  }
  const words = ["@v-triune/reward-server", "--port", "0", "--workers", "1", "--verifier", "./own-verifier.mjs"];
  const [url] = await project.start(/http:\/\/127\.0\.0\.1:\d+/, "npx", ...words);
  project.write(
    "score.py",
    [
      "from v_triune_reward import RewardClient",
      `client = RewardClient("${url}")`,
      'gold = {"verifier": "mathverify", "ground_truth": r"\\boxed{4}"}',
      'results = client.score([{"response": r"\\boxed{4}", **gold}, {"response": "5", "verifier": "own", "ground_truth": ""}])',
      'print([(result["status"], float(result["accuracy"])) for result in results])',
      "",
    ].join("\n"),
  );
  const scored = project.run("python3", "score.py");
  const expected = "[('scored', 1.0), ('scored', 1.0)]";
  check("the Python client gets verdicts", scored.stdout.trim() === expected, `${scored.stdout}${scored.stderr}`);
});

await scene("v-triune with all packages", (project) => {
  // tsx runs a worker's TypeScript where Node itself does not (before 22.18).
  project.install(...tarballs.map(({ path }) => path), "tsx");
  const demo = project.run("npx", "v-triune", "demo", "--steps", "3", "--samples", "7", "--out", "demo");
  check(
    "npx v-triune demo trains",
    demo.status === 0 && demo.stdout.includes("3 steps"),
    `${demo.stdout}${demo.stderr}`,
  );
  const report = project.run("npx", "@v-triune/monitor", "report", "demo/run", "-o", "report.html");
  check("npx @v-triune/monitor report writes the run's page", report.status === 0, report.stderr);

  const made = project.run("npx", "v-triune", "new-verifier", "chart-value");
  const tested = project.run("npm", "test", "--prefix", "chart-value");
  check("npx v-triune new-verifier makes one whose test passes", tested.status === 0, made.stderr + tested.stdout);

  // Without a native install: npm has left tfjs-node out, since its own install script fails.
  project.environment["V_TRIUNE_NATIVE_DIR"] = join(project.folder, "native");
  const native = project.run("npx", "v-triune", "native", "install");
  const said = `${native.stdout}${native.stderr}`;
  const line = /npm install --ignore-scripts @tensorflow\/tfjs-node@[\d.]+/;
  check("npx v-triune native install offers the missing tfjs-node in one line", line.test(said), said);

  runExamples(project, exampleFiles(root));
  typeCheck(project, "nodenext", "examples/**/*.ts");
});

rmSync(packed, { recursive: true, force: true });
console.log(
  problems.length === 0 ? "\nAll tarballs work." : `\n${problems.length} problems:\n- ${problems.join("\n- ")}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
