/**
 * Models and adapters of every family, written here and read by transformers and peft, and the other way round: tiny
 * random models with changed weights, saved whole, as an adapter and merged; and adapters that peft makes. Both sides
 * must give the same log-probabilities, with pictures and without.
 *
 *     V_TRIUNE_PYTHON=/path/to/python node tools/run.mjs tools/interop/hf-exports.ts
 *
 * Needs an interpreter with torch, transformers (4.57 or 5) and peft; says so and ends with 0 where they are missing.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { add, tidy } from "@tensorflow/tfjs-core";
import { selectBackend } from "@v-triune/backend";
import {
  loadVlm,
  openSafetensors,
  readModelConfig,
  type AdapterOptions,
  type TokenizedRollout,
  type VlmConfig,
  type VlmPolicy,
} from "@v-triune/policy";
import { askPython, needModules } from "./python";

needModules("exports in transformers", "torch", "transformers", "peft", "safetensors");

const goldens = resolve(import.meta.dirname, "../goldens");
const models = [
  "qwen2_vl/base",
  "qwen2_vl/tied",
  "qwen2_5_vl/base",
  "qwen2_5_vl/tied",
  "qwen3_vl/base",
  "qwen3_vl/tied",
];
/** In blocks of the tower and the language model, so that both sides' names meet. */
const everywhere = ".*(layers|blocks)\\.\\d+\\..*";
const byPeft: Readonly<Record<string, readonly string[] | string>> = {
  attention: ["q_proj", "k_proj", "v_proj", "o_proj"],
  "tower and MLP": ["qkv", "attn.proj", "gate_proj", "up_proj", "down_proj", "fc1", "fc2", "linear_fc1", "linear_fc2"],
  "all-linear": "all-linear",
};
const TOLERANCE = 2e-4;

interface Row {
  readonly ids: readonly number[];
  /** Where the completion begins. */
  readonly cut: number;
  /** The files with its pictures, without their endings. */
  readonly case?: string;
}
interface Job {
  readonly name: string;
  readonly model: string;
  readonly adapter?: string;
  readonly make?: { readonly target_modules: readonly string[] | string; readonly r: number };
  readonly rows: readonly Row[];
}
type Answers = Readonly<Record<string, { problems: Record<string, string[]>; logProbs: readonly number[][] }>>;

/** The first row of a text and of a case with a picture. */
function rowsOf(folder: string): { rows: Row[]; rollouts: TokenizedRollout[] } {
  const config: VlmConfig = readModelConfig(folder);
  const rows: Row[] = [];
  const rollouts: TokenizedRollout[] = [];
  for (const name of ["text_only", "one_image"]) {
    const path = join(folder, "cases", name);
    const json = JSON.parse(readFileSync(`${path}.json`, "utf8")) as {
      readonly input_ids: readonly (readonly number[])[];
      readonly image_grid_thw?: readonly [number, number, number][];
    };
    const ids = json.input_ids[0]!;
    const cut = ids.lastIndexOf(config.imageTokenId) + 3;
    const values = openSafetensors(`${path}.safetensors`);
    const gridThw = json.image_grid_thw;
    const images = gridThw && { gridThw, pixelValues: values.readFloat32("pixel_values") };
    values.close();
    rows.push({ ids, cut, ...(images ? { case: path } : {}) });
    const [promptIds, completionIds] = [Int32Array.from(ids.slice(0, cut)), Int32Array.from(ids.slice(cut))];
    rollouts.push({ promptIds, completionIds, ...(images ? { images } : {}) });
  }
  return { rows, rollouts };
}

function logProbsOf(policy: VlmPolicy, rollouts: readonly TokenizedRollout[]): number[][] {
  const width = Math.max(...rollouts.map(({ completionIds }) => completionIds.length));
  const { logProbs } = policy.logProbs(rollouts, { width });
  const values = logProbs.dataSync<"float32">();
  logProbs.dispose();
  return rollouts.map(({ completionIds }, row) => [
    ...values.subarray(row * width, row * width + completionIds.length),
  ]);
}

/** Log-probabilities of a folder's model, after `change`. */
async function ours(
  folder: string,
  rollouts: readonly TokenizedRollout[],
  adapter: AdapterOptions | undefined,
  change: (policy: VlmPolicy) => Promise<void> | void = () => {},
): Promise<number[][]> {
  const policy = await loadVlm(folder, adapter === undefined ? {} : { adapter });
  try {
    await change(policy);
    return logProbsOf(policy, rollouts);
  } finally {
    policy.dispose();
  }
}

function perturb(policy: VlmPolicy, by: number): void {
  for (const { variable } of policy.parameters) tidy(() => variable.assign(add(variable, by)));
}

const scratch = mkdtempSync(join(tmpdir(), "v-triune-hf-exports-"));
try {
  console.log((await selectBackend()).description);
  const jobs: Job[] = [];
  const expected = new Map<string, number[][]>();
  const made: { name: string; model: string; adapter: string; rollouts: TokenizedRollout[] }[] = [];
  for (const model of models) {
    const folder = join(goldens, model);
    const { rows, rollouts } = rowsOf(folder);
    const at = (kind: string) => join(scratch, model.replace("/", "-"), kind);
    // Reference folders are written by transformers 5, which 4.57 does not read.
    await ours(folder, rollouts, undefined, (policy) => policy.save(at("base")));
    const whole = await ours(folder, rollouts, undefined, (policy) => {
      perturb(policy, 0.003);
      return policy.save(at("whole"));
    });
    const trained = await ours(folder, rollouts, { rank: 2, targetModules: everywhere, seed: 1 }, async (policy) => {
      perturb(policy, 0.01);
      await policy.save(at("adapter"));
      await policy.save(at("merged"), { adapter: "merged" });
    });
    for (const [kind, values, job] of [
      ["whole", whole, { model: at("whole") }],
      ["merged", trained, { model: at("merged") }],
      ["adapter", trained, { model: at("base"), adapter: at("adapter") }],
    ] as const) {
      jobs.push({ name: `${model}: ${kind}`, rows, ...job });
      expected.set(`${model}: ${kind}`, values);
    }
    for (const [kind, target_modules] of Object.entries(byPeft)) {
      const name = `${model}: peft's adapter, ${kind}`;
      jobs.push({ name, model: at("base"), adapter: at(kind), make: { target_modules, r: 3 }, rows });
      made.push({ name, model: folder, adapter: at(kind), rollouts });
    }
  }
  const file = join(scratch, "jobs.json");
  writeFileSync(file, JSON.stringify(jobs));
  const script = resolve(import.meta.dirname, "hf-exports/transformers_says.py");
  const { version, results } = askPython(script, file) as { version: string; results: Answers };
  // An adapter that peft could not make has its problem in the results.
  for (const { name, model, adapter, rollouts } of made)
    expected.set(name, existsSync(adapter) ? await ours(model, rollouts, { folder: adapter }) : [[NaN]]);
  let wrong = 0;
  for (const [name, values] of expected) {
    const { problems, logProbs } = results[name]!;
    const error = Math.max(
      ...values.flatMap((row, i) => row.map((value, j) => Math.abs(value - (logProbs[i]?.[j] ?? NaN)))),
    );
    const isFine = error <= TOLERANCE && Object.keys(problems).length === 0;
    if (!isFine) wrong += 1;
    console.log(
      `${isFine ? "ok  " : "over"} ${name}: log-probabilities differ by ${error.toExponential(1)}` +
        (Object.keys(problems).length === 0 ? "" : ` ${JSON.stringify(problems)}`),
    );
  }
  console.log(`transformers ${version}: ${expected.size} models and adapters, ${wrong} over ${TOLERANCE}`);
  process.exitCode = wrong === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
