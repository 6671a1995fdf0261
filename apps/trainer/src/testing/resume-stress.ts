/**
 * Proof that a run survives being killed: a small run is killed (SIGKILL: nothing can be tidied up) at a random point,
 * resumed, and must end with the bytes of one that was never touched: weights, optimizer, metrics (times aside) and
 * stored rollouts.
 *
 * Half of the kills are drawn over all steps, half right after a step that is followed by a checkpoint, as saving is
 * short and would hardly ever be hit. With turns, a tool kills the process in the middle of a conversation, at a random one
 * of all calls. What each kill met is reported.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { writeTinyTurnsRun } from "@v-triune/demo-tasks";
import { createRandom } from "@v-triune/rollouts";
import type { TrainingEvent } from "@v-triune/training";
import { resolveTrainingConfig } from "@v-triune/training/config";
import { tinyRun } from "./tiny-run";

export interface ResumeStressOptions {
  readonly kills: number;
  readonly steps: number;
  /** Seeds where the kills fall. */
  readonly seed: number;
  /** Threads that compute; the untouched run has one, so that their number is held against it as well. */
  readonly workers: number;
  /** As rollout.asyncLevel. */
  readonly asyncLevel: 0 | 1;
  /** Whether answers take several turns, and kills fall into the calls of a tool. */
  readonly turns: boolean;
  readonly print: (line: string) => void;
}

const main = fileURLToPath(new URL("../main.ts", import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const saveEvery = 3;

/** @returns what went wrong, by kill; empty when every run ended as the untouched one */
export async function resumeStress({
  kills,
  steps,
  seed,
  workers,
  asyncLevel,
  turns,
  print,
}: ResumeStressOptions): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-resume-"));
  const random = createRandom(seed);
  const problems: string[] = [];
  try {
    const base = await (turns ? runWithTool(folder, steps) : tinyRun(folder, "run", steps));
    const configOf = (name: string, threads: number): string => {
      const path = join(folder, `${name}.json`);
      const checkpoint = { every: saveEvery, keep: 2 };
      writeFileSync(
        path,
        JSON.stringify({
          ...base,
          workers: threads,
          run: { ...base.run, folder: join(folder, name) },
          rollout: { ...base.rollout, asyncLevel },
          evaluation: { ...base.evaluation, every: 10 },
          checkpoint,
        }),
      );
      return path;
    };
    const untouched = await train([configOf("untouched", 1)], undefined, { CALLS_FILE: join(folder, "calls") });
    if (untouched.code !== 0) return [`the untouched run failed: ${untouched.stderr}`];
    const expected = resultOf(join(folder, "untouched"));
    print(
      `untouched run: ${steps} steps in ${(untouched.milliseconds / 1000).toFixed(1)} s after its start, a ` +
        `checkpoint every ${saveEvery}`,
    );
    const calls = turns ? statSync(join(folder, "calls")).size : 0;
    if (turns) print(`${calls} calls of the tool`);
    for (let kill = 1; kill <= kills; kill++) {
      const name = `kill-${kill}`;
      const path = configOf(name, workers);
      const saves = Math.floor(steps / saveEvery);
      const aim: Aim =
        kill % 2 === 0
          ? { afterStep: saveEvery * random.int(1, saves), delay: random.int(0, 25) }
          : { afterStep: random.int(0, steps - 1), delay: random.int(0, Math.ceil(untouched.milliseconds / steps)) };
      const atCall = random.int(1, Math.max(1, calls));
      const first = turns ? await train([path], undefined, { KILL_AT_CALL: String(atCall) }) : await train([path], aim);
      const met = first.killed
        ? `${turns ? `call ${atCall} in ` : ""}${whatWasMet(first.last, join(folder, name))}`
        : "nothing: the run had ended";
      const second = first.killed ? await train([path, "--resume"]) : first;
      const differences =
        second.code === 0
          ? compare(expected, resultOf(join(folder, name)))
          : [`the resumed run failed: ${second.stderr}`];
      problems.push(...differences.map((difference) => `${name} (${met}): ${difference}`));
      print(
        `${String(kill).padStart(3)}/${kills}  met ${met.padEnd(34)} ` +
          `${differences.length === 0 ? "same bytes" : `DIFFERENT: ${differences.join("; ")}`}`,
      );
      rmSync(join(folder, name), { recursive: true, force: true });
    }
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run whose tool kills the process at the call that KILL_AT_CALL names, and counts calls in the file CALLS_FILE. */
async function runWithTool(folder: string, steps: number): Promise<Awaited<ReturnType<typeof tinyRun>>> {
  const module = join(folder, "look.mjs");
  writeFileSync(
    module,
    `import { appendFileSync } from "node:fs";
    const { CALLS_FILE, KILL_AT_CALL } = process.env;
    let calls = 0;
    export default {
      name: "image_zoom_in_tool",
      description: "Shows the upper half of the picture.",
      parameters: { type: "object" },
      schema: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } },
      async call({ bbox_2d: [x] }, { pictures }) {
        if (CALLS_FILE) appendFileSync(CALLS_FILE, ".");
        if (++calls === Number(KILL_AT_CALL)) process.kill(process.pid, "SIGKILL");
        if (x === 500) return { fault: "the box is outside of the picture" };
        const { width, height, data } = await pictures[0].pixels();
        return { pictures: [{ width, height: height >> 1, data: data.slice(0, 3 * width * (height >> 1)) }] };
      },
    };`,
  );
  return resolveTrainingConfig(await writeTinyTurnsRun(folder, "run", steps, { tools: [{ module }] }));
}

/** Milliseconds after a step has been reported; step 0 is the run's start. */
interface Aim {
  readonly afterStep: number;
  readonly delay: number;
}

interface Outcome {
  readonly code: number | null;
  readonly killed: boolean;
  /** From the run's start to its end. */
  readonly milliseconds: number;
  readonly last: TrainingEvent | undefined;
  readonly stderr: string;
}

/** The trainer as one process: a launcher in between would be killed in its stead. */
function train(
  args: readonly string[],
  aim?: Aim,
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--conditions=@v-triune/source", "--import", tsx, main, "train", ...args, "--json"],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } },
  );
  let rest = "";
  let stderr = "";
  let last: TrainingEvent | undefined;
  let started = 0;
  let killed = false;
  const onEvent = (event: TrainingEvent): void => {
    last = event;
    if (event.type === "started") started = performance.now();
    const reached = event.type === "started" ? 0 : event.type === "step" ? event.summary.step : -1;
    if (aim && reached === aim.afterStep) setTimeout(() => (killed = child.kill("SIGKILL")), aim.delay);
  };
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onEvent(JSON.parse(line) as TrainingEvent);
  });
  return new Promise((done) =>
    child.on("close", (code, signal) =>
      done({
        code,
        killed: signal === "SIGKILL" && (killed || "KILL_AT_CALL" in environment),
        milliseconds: performance.now() - started,
        last,
        stderr: stderr.trim(),
      }),
    ),
  );
}

function whatWasMet(last: TrainingEvent | undefined, run: string): string {
  if (list(join(run, "checkpoints")).some((name) => name.startsWith("."))) return "a half-written checkpoint";
  if (list(join(run, "rollouts")).some((name) => name.startsWith("."))) return "half-written rollouts";
  if (last?.type === "generating")
    return last.done < last.total ? `generation of step ${last.step}` : `the update of step ${last.step}`;
  if (last?.type === "step") return `what follows step ${last.summary.step}`;
  if (last?.type === "saved") return `what follows checkpoint ${last.step}`;
  if (last?.type === "evaluating" || last?.type === "evaluated") return `the evaluation at step ${last.step}`;
  return "the start";
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Everything a run leaves that must not depend on its history, by name. */
function resultOf(run: string): Map<string, string> {
  const result = new Map<string, string>();
  const steps = list(join(run, "checkpoints"));
  result.set("checkpoints", steps.join(" "));
  for (const step of steps)
    for (const file of list(join(run, "checkpoints", step)))
      result.set(`${step}/${file}`, hashOf(join(run, "checkpoints", step, file)));
  for (const file of list(join(run, "rollouts"))) result.set(`rollouts/${file}`, hash(join(run, "rollouts", file)));
  const records = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  result.set("metrics.jsonl", records.map(withoutTimes).join("\n"));
  return result;
}

function withoutTimes(line: string): string {
  const record = JSON.parse(line) as { metrics: Record<string, number> };
  return JSON.stringify({
    ...record,
    metrics: Object.fromEntries(Object.entries(record.metrics).filter(([name]) => !/^(timing_s|perf)\//.test(name))),
  });
}

function hash(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Of a checkpoint's file, without what says how long the making of rollouts took. */
function hashOf(path: string): string {
  if (!/(state\.json|ready-rollouts\.jsonl)$/.test(path)) return hash(path);
  const text = readFileSync(path, "utf8")
    .replace(/"(ready-rollouts\.jsonl)": \{[^}]*\}/, "$1")
    .replace(/"(seconds|dataSeconds)":(\{[^}]*\}|[\d.e-]+)/g, "$1");
  return createHash("sha256").update(text).digest("hex");
}

function compare(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  return [...new Set([...expected.keys(), ...found.keys()])]
    .filter((name) => expected.get(name) !== found.get(name))
    .map((name) => `${name} ${found.has(name) ? (expected.has(name) ? "differs" : "is left over") : "is missing"}`);
}
