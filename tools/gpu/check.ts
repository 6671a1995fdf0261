/**
 * npm run check:gpu [-- --backend tensorflow-gpu --out gpu-check --only NAME,NAME --model Qwen2-VL-2B]
 *
 * Everything that a machine with a GPU should show, in one go and one file: the conformance suite, parity with the
 * reference values, weights in bfloat16, tensors that stay, decoding, and a GRPO step with pictures of a real shape,
 * each with its time and the GPU's memory. Each part is a process of its own, so that one that fails leaves the others
 * their turn. Needs `v-triune native install --cuda`; `--backend tensorflow` tries the script on a CPU. Writes
 * OUT/report.md and OUT/report.json; exits with 1 where a part failed.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    backend: { type: "string", default: "tensorflow-gpu" },
    out: { type: "string", default: "gpu-check" },
    only: { type: "string", default: "" },
    model: { type: "string", default: "Qwen2-VL-2B" },
  },
});
const { backend, model } = values;
const root = resolve(import.meta.dirname, "../..");
const references = ["tools/goldens", "../shared/golden"].filter((folder) => existsSync(join(root, folder)));

interface Part {
  readonly name: string;
  /** What it shows, as a sentence of the report. */
  readonly shows: string;
  /** A TypeScript file of this repository with its arguments. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly minutes: number;
}

const step: Readonly<Record<string, string>> = { BENCH_MODELS: model, BENCH_BACKEND: backend };
const PARTS: readonly Part[] = [
  {
    name: "doctor",
    shows: "The backends of this machine and their speed.",
    command: ["apps/trainer/src/main.ts", "doctor"],
    minutes: 1,
  },
  {
    name: "conformance",
    shows: "Each operation and its gradient against float64.",
    command: ["tools/gpu/conformance.ts", backend],
    minutes: 1,
  },
  {
    name: "parity",
    shows: "Models, losses, optimizer and sampling against PyTorch, transformers, verl and TRL.",
    command: ["tools/parity.ts", ...references, "--backend", backend],
    minutes: 4,
  },
  {
    name: "bfloat16",
    shows: "Weights in bfloat16 against float32 weights of the same values: bits, seconds of an update, memory.",
    command: ["packages/policy/src/bfloat16.bench.ts", backend],
    minutes: 2,
  },
  {
    name: "tensors",
    shows: "Tensors that stay after 20 steps and generations of each model family.",
    command: ["tools/soak.ts", "--families", "--steps", "20", "--backend", backend],
    minutes: 2,
  },
  {
    name: "decoding",
    shows: "Milliseconds of a decoded token by our own kernels and by the backend, 135 M parameters, 1, 8 and 32 rows.",
    command: ["packages/policy/src/decoding.bench.ts", backend],
    minutes: 2,
  },
  {
    name: "step",
    shows: `A GRPO step with pictures of ${model}'s shape, LoRA, float32.`,
    command: ["packages/training/src/run/large-step.bench.ts"],
    env: step,
    minutes: 3,
  },
  {
    name: "step-bfloat16",
    shows: `The same with weights in bfloat16.`,
    command: ["packages/training/src/run/large-step.bench.ts"],
    env: { ...step, BENCH_DTYPE: "bfloat16" },
    minutes: 3,
  },
];

interface Outcome {
  readonly name: string;
  readonly shows: string;
  readonly passed: boolean;
  readonly seconds: number;
  /** Most GPU memory in use while it ran, MiB; absent without nvidia-smi. */
  readonly gpuMiB?: number;
  readonly output: string;
}

const names = values.only === "" ? PARTS.map(({ name }) => name) : values.only.split(",");
const strange = names.filter((only) => !PARTS.some(({ name }) => name === only));
if (strange.length > 0) {
  console.error(`--only names ${strange.join(", ")}; the parts are ${PARTS.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const wanted = PARTS.filter(({ name }) => names.includes(name));
mkdirSync(values.out, { recursive: true });
const outcomes: Outcome[] = [];
for (const part of wanted) {
  process.stdout.write(`${part.name} .. `);
  const outcome = await run(part);
  outcomes.push(outcome);
  console.log(`${outcome.passed ? "passed" : "FAILED"}, ${outcome.seconds} s`);
  // After each part: what was seen is kept when the machine is taken away.
  writeReport();
}
console.log(`Report: ${join(values.out, "report.md")}`);
process.exit(outcomes.every(({ passed }) => passed) ? 0 : 1);

async function run({ name, shows, command, env, minutes }: Part): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, "tools/run.mjs"), ...command], {
    cwd: root,
    env: { ...process.env, ...env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  let peak: number | undefined;
  const watch = setInterval(() => {
    const used = gpuMemory();
    if (used !== undefined) peak = Math.max(peak ?? 0, used);
  }, 1000);
  // The whole group: tools/run.mjs starts the program itself.
  const end = (): void => void process.kill(-child.pid!, "SIGKILL");
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    end();
  }, minutes * 60_000);
  // It would go on, and keep the GPU's memory: a terminal's Ctrl-C does not reach another group.
  const interrupted = (): never => {
    end();
    process.exit(130);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  const [code, signal] = await new Promise<[number | null, string | null]>((done) =>
    child.on("close", (...how) => done(how)),
  );
  process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  clearInterval(watch);
  clearTimeout(limit);
  if (late) output += `\nended after ${minutes} min, its limit`;
  else if (code !== 0) output += signal ? `\nended by ${signal}` : `\nended with code ${code}`;
  return {
    name,
    shows,
    passed: code === 0,
    seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
    ...(peak !== undefined && { gpuMiB: peak }),
    output: output.trim(),
  };
}

/** MiB in use on all GPUs together. */
function gpuMemory(): number | undefined {
  const { status, stdout } = spawnSync("nvidia-smi", ["--query-gpu=memory.used", "--format=csv,noheader,nounits"], {
    encoding: "utf8",
  });
  if (status !== 0) return undefined;
  return stdout
    .trim()
    .split("\n")
    .reduce((sum, line) => sum + Number(line), 0);
}

function writeReport(): void {
  const { stdout } = spawnSync(
    "nvidia-smi",
    ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"],
    {
      encoding: "utf8",
    },
  );
  const machine = {
    gpu: stdout?.trim() ?? "",
    cpu: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    load: Number(loadavg()[0]!.toFixed(1)),
    backend,
    date: new Date().toISOString(),
  };
  writeFileSync(join(values.out, "report.json"), `${JSON.stringify({ machine, parts: outcomes }, null, 2)}\n`);
  const rows = outcomes.map(
    ({ name, passed, seconds, gpuMiB, shows }) =>
      `| ${name} | ${passed ? "passed" : "**failed**"} | ${seconds} | ${gpuMiB ?? "–"} | ${shows} |`,
  );
  const page = [
    "# What a machine showed",
    "",
    ...Object.entries(machine).map(([key, value]) => `- ${key}: ${value === "" ? "none" : value}`),
    "",
    "| part | result | seconds | GPU memory, MiB | what it shows |",
    "|---|---|---|---|---|",
    ...rows,
    ...outcomes.flatMap(({ name, output }) => ["", `## ${name}`, "", "```text", output, "```"]),
    "",
  ];
  writeFileSync(join(values.out, "report.md"), page.join("\n"));
}
