/**
 * npm run check:gpu-trainer -- --server skyrl --model ./Qwen2.5-VL-3B-Instruct --in ../SkyRL
 *
 * What a training server on a machine with a GPU does, in one go and one file: starts it, tries it (`doctor --trainer`,
 * pictures included), trains four steps of the demonstration's data on it, and stops it. Writes OUT/report.md,
 * OUT/server.log and OUT/run; exits with 1 where a part failed. `--url` takes a server that runs already, `--start`
 * another start-up line with {model}, {name}, {port} and {out} in it. `--server serve-model` tries the script itself on
 * a CPU.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writeTrainingData } from "@v-triune/demo-tasks";

const { values } = parseArgs({
  options: {
    server: { type: "string", default: "skyrl" },
    start: { type: "string" },
    url: { type: "string" },
    model: { type: "string" },
    name: { type: "string" },
    in: { type: "string", default: "." },
    port: { type: "string", default: "8000" },
    rank: { type: "string", default: "16" },
    steps: { type: "string", default: "4" },
    out: { type: "string", default: "trainer-check" },
    minutes: { type: "string", default: "30" },
  },
});

interface ServerStart {
  readonly line: string;
  /** Files that the line reads, by name in OUT. */
  readonly files?: Readonly<Record<string, string>>;
  /** Run after the server was stopped. */
  readonly stop?: string;
}

// The first two were put together from the options of the servers' sources, and have not been run.
const STARTS: Readonly<Record<string, ServerStart>> = {
  skyrl: {
    line:
      "uv run --extra tinker --extra fsdp -m skyrl.tinker.api --base-model {model} --backend fsdp --host 127.0.0.1 " +
      `--port {port} --backend-config '{"trainer.remove_microbatch_padding": false}' ` +
      "--checkpoints-base {out}/weights --database-url sqlite:///{out}/skyrl.sqlite",
  },
  twinkle: {
    line: "ray start --head --num-gpus=2 && twinkle-server launch --config {out}/twinkle.yaml",
    stop: "ray stop",
    files: {
      "twinkle.yaml": `proxy_location: HeadOnly
http_options: {host: 127.0.0.1, port: {port}}
applications:
  - name: server
    route_prefix: /api/v1
    import_path: server
    args: {supported_models: ["{name}"]}
    deployments: [{name: TinkerCompatServer, ray_actor_options: {num_cpus: 0.1}}]
  - name: model
    route_prefix: /api/v1/model/{name}
    import_path: model
    args:
      model_id: "{model}"
      backend: transformers
      max_length: 8192
      device_group: {name: model, ranks: 1, device_type: cuda}
      device_mesh: {device_type: cuda, dp_size: 1}
    deployments: [{name: ModelManagement, ray_actor_options: {num_cpus: 0.1}}]
  - name: sampler
    route_prefix: /api/v1/sampler/{name}
    import_path: sampler
    args:
      model_id: "{model}"
      sampler_type: vllm
      engine_args: {max_model_len: 8192, gpu_memory_utilization: 0.5, enable_lora: true, logprobs_mode: processed_logprobs}
      device_group: {name: sampler, ranks: 1, device_type: cuda}
      device_mesh: {device_type: cuda, dp_size: 1}
    deployments: [{name: SamplerManagement, ray_actor_options: {num_cpus: 0.1}}]
`,
    },
  },
  "serve-model": {
    line: `'${process.execPath}' '${resolve(import.meta.dirname, "../run.mjs")}' apps/trainer/src/main.ts serve-model {model} --name '{name}' --port {port} --weights {out}/weights`,
  },
};

const root = resolve(import.meta.dirname, "../..");
const [model, out] = [values.model === undefined ? undefined : resolve(values.model), resolve(values.out)];
const start = values.start === undefined ? STARTS[values.server] : { line: values.start };
if (model === undefined || (!start && values.url === undefined)) {
  console.error(
    model === undefined
      ? "--model DIR is missing: the model's folder with its config.json, tokenizer and, for the server, weights"
      : `--server is one of ${Object.keys(STARTS).join(", ")}; --start LINE starts another one, --url takes one that runs`,
  );
  process.exit(2);
}
const name = values.name ?? model;
const url = values.url ?? `http://127.0.0.1:${values.port}`;
const filled = (text: string): string =>
  text
    .replaceAll("{model}", model)
    .replaceAll("{name}", name)
    .replaceAll("{port}", values.port)
    .replaceAll("{out}", out);

interface Part {
  readonly title: string;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}
const parts: Part[] = [];
mkdirSync(out, { recursive: true });
const server = values.url === undefined && start ? startServer(start) : undefined;
try {
  if (await part("server answers", () => waitForServer())) {
    const tried = ["doctor", "--trainer", url, "--model", name, "--tokenizer", model, "--rank", values.rank];
    await part("doctor --trainer", () => run(["apps/trainer/src/main.ts", ...tried], 15));
    await part("short run", async () => run(["apps/trainer/src/main.ts", "train", await writeRun()], 30));
  }
} finally {
  if (server?.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGTERM");
  if (server && start?.stop !== undefined) spawnSync(filled(start.stop), { shell: true });
}
console.log(`Report: ${join(out, "report.md")}`);
process.exit(parts.every(({ passed }) => passed) ? 0 : 1);

function startServer({ line, files = {} }: ServerStart): ChildProcess {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(out, file), filled(text));
  const log = openSync(join(out, "server.log"), "w");
  // A group of its own: the line may start further processes, which have to end with it.
  return spawn(filled(line), { shell: true, cwd: resolve(values.in), detached: true, stdio: ["ignore", log, log] });
}

async function waitForServer(): Promise<{ passed: boolean; output: string }> {
  const until = performance.now() + Number(values.minutes) * 60_000;
  for (;;) {
    if (performance.now() > until || (server !== undefined && server.exitCode !== null)) break;
    const reply = await fetch(`${url}/api/v1/get_server_capabilities`).catch(() => undefined);
    if (reply?.ok) return { passed: true, output: await reply.text() };
    await sleep(2000);
  }
  const log = server ? readFileSync(join(out, "server.log"), "utf8").trim().split("\n").slice(-40).join("\n") : "";
  return { passed: false, output: `no answer at ${url}\n${log}` };
}

/** @returns the file of a run of a few steps on the demonstration's data, pictures included */
async function writeRun(): Promise<string> {
  await writeTrainingData(join(out, "train.parquet"), 20, 1);
  const config = {
    model,
    training: { engine: { url, model: name, adapter: { rank: Number(values.rank) } } },
    data: { train: join(out, "train.parquet") },
    run: { name: "trainer-check", folder: join(out, "run"), steps: Number(values.steps) },
    rollout: { promptsPerStep: 8, n: 4, maxNewTokens: 64 },
    // Whether these are taken is in the doctor's report; this run has to pass on servers that ignore them.
    optimizer: { lr: 1e-5, weightDecay: 0, maxGradNorm: null },
    promptPool: { enabled: false },
    checkpoint: { every: 2 },
  };
  const file = join(out, "run.json");
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`);
  return file;
}

async function part(title: string, work: () => Promise<{ passed: boolean; output: string }>): Promise<boolean> {
  process.stdout.write(`${title} .. `);
  const began = performance.now();
  const { passed, output } = await work();
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
  parts.push({ title, passed, seconds, output });
  console.log(`${passed ? "passed" : "FAILED"}, ${seconds} s`);
  // After each part: what was seen is kept when the machine is taken away.
  writeReport();
  return passed;
}

/** A program of this repository, ended after `minutes`. */
async function run(command: readonly string[], minutes: number): Promise<{ passed: boolean; output: string }> {
  const child = spawn(process.execPath, [join(root, "tools/run.mjs"), ...command], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const limit = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), minutes * 60_000);
  const code = await new Promise<number | null>((done) => child.on("close", done));
  clearTimeout(limit);
  if (code === null) output += `\nended after ${minutes} min, its limit`;
  return { passed: code === 0, output: output.trim() };
}

function writeReport(): void {
  const gpu = spawnSync("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"], {
    encoding: "utf8",
  });
  const machine = {
    server: values.url === undefined && start ? filled(start.line) : url,
    model: name,
    gpu: gpu.stdout?.trim() || "none",
    cpu: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: Number(loadavg()[0]!.toFixed(1)),
    date: new Date().toISOString(),
  };
  const page = [
    "# What a training server showed",
    "",
    ...Object.entries(machine).map(([key, value]) => `- ${key}: ${value}`),
    "",
    "| part | result | seconds |",
    "|---|---|---|",
    ...parts.map(({ title, passed, seconds }) => `| ${title} | ${passed ? "passed" : "**failed**"} | ${seconds} |`),
    ...parts.flatMap(({ title, output }) => ["", `## ${title}`, "", "```text", output, "```"]),
    "",
  ];
  writeFileSync(join(out, "report.md"), page.join("\n"));
}
