// npm run bench [-- NAME ..]: runs every *.bench.ts of the workspace, or those whose path holds one of the names, one
// at a time. Benches of large models compare with PyTorch where BENCH_PYTHON=FILE, or python3, has what they need.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const names = process.argv.slice(2);
const files = ["packages", "apps"]
  .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name, "src")))
  .flatMap((source) =>
    readdirSync(join(root, source), { recursive: true, encoding: "utf8" }).map((file) => join(source, file)),
  )
  .filter((file) => file.endsWith(".bench.ts"))
  .sort()
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)));
if (files.length === 0) {
  console.error(`No bench has ${names.map((name) => `"${name}"`).join(" or ")} in its path.`);
  process.exit(2);
}

console.log(
  `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${availableParallelism()} cores, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
);
const comparesWithPyTorch = (file: string): boolean => /large-(decoding|training)\.bench\.ts$/.test(file);
const python = files.some(comparesWithPyTorch) ? pythonWithPyTorch() : undefined;
let failed = 0;
for (const file of files) {
  console.log(`\n== ${file}`);
  const env = comparesWithPyTorch(file) && python ? { ...process.env, BENCH_PYTHON: python } : process.env;
  const { status } = spawnSync(process.execPath, [join(root, "tools/run.mjs"), file], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  if (status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);

/** The Python that benches compare with. Without one it says so, and is undefined. */
function pythonWithPyTorch(): string | undefined {
  const named = process.env.BENCH_PYTHON;
  if (named) return named;
  const modules = "torch, transformers, peft";
  const { status } = spawnSync("python3", ["-c", `import ${modules}`], { stdio: "ignore" });
  if (status === 0) return "python3";
  console.log(`PyTorch is skipped: python3 cannot import ${modules}. BENCH_PYTHON=FILE names a Python that can.`);
  return undefined;
}
