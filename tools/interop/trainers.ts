/**
 * Other trainers' own code against our server, where their Python packages are:
 *
 *     V_TRIUNE_PYTHON=/path/to/python node tools/run.mjs tools/interop/trainers.ts
 *
 * Needs an interpreter with `trl` (1.16; torch for the CPU will do), `verl` (0.9.1) and `openrlhf` (0.11.2; `pip
 * install --no-deps openrlhf aiohttp` beside transformers is enough), V_TRIUNE_SLIME=/path/to/a/clone/of/slime and
 * V_TRIUNE_EASYR1=/path/to/a/clone/of/EasyR1; what is missing is skipped, and said.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { collectRewards, createLocalRewardSource } from "@v-triune/rewards";
import { createVerifierRegistry, mathverify } from "@v-triune/verifiers";
import { startRewardServer } from "@v-triune/reward-server";

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
const folder = mkdtempSync(join(tmpdir(), "v-triune-interop-"));
const client = resolve(import.meta.dirname, "../../packages/rewards/python/v_triune_reward.py");
writeFileSync(join(folder, "v_triune_reward.py"), readFileSync(client));

function has(...modules: readonly string[]): boolean {
  const isThere = (module: string) =>
    spawnSync(python, [
      "-c",
      `import importlib.util, sys; sys.exit(importlib.util.find_spec(${JSON.stringify(module)}) is None)`,
    ]).status === 0;
  const missing = modules.filter((module) => !isThere(module));
  if (missing.length > 0)
    console.log(
      `skipped: ${modules[0]}. ${python} lacks ${missing.join(" ")}; pip install them, or set V_TRIUNE_PYTHON to ` +
        "an interpreter that has them",
    );
  return missing.length === 0;
}

async function result(script: string, ...args: string[]): Promise<unknown> {
  const child = spawn(python, [resolve(import.meta.dirname, script), folder, ...args], {
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((end) => child.once("close", end));
  const line = out.split("\n").find((text) => text.startsWith("RESULT "));
  if (code !== 0 || line === undefined) throw new Error(`${script} ended with ${code}:\n${(err || out).slice(-3000)}`);
  return JSON.parse(line.slice("RESULT ".length)) as unknown;
}

function equal(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}:\n  expected ${right}\n  found    ${left}`);
}

const server = await startRewardServer({ port: 0, workers: 1, logLevel: "warn" });
try {
  if (has("trl", "torch", "datasets")) {
    const { seen, logged, unscored, steps } = (await result("trl_two_steps.py", server.url)) as {
      seen: { response: string; ground_truth: string; format_ratio: number; reward: number | null }[];
      logged: number[];
      unscored: number[];
      steps: number;
    };
    const local = createLocalRewardSource(createVerifierRegistry([mathverify]));
    const requests = seen.map(({ response, ground_truth: groundTruth, format_ratio: formatRatio }) => ({
      response,
      verifier: "mathverify",
      sample: { groundTruth },
      formatRatio,
    }));
    const expected = (await collectRewards(local, requests)).map((outcome) =>
      outcome.status === "scored" ? outcome.reward : null,
    );
    equal(
      "TRL's rewards and those judged here",
      seen.map(({ reward }) => reward),
      expected,
    );
    equal("steps", steps, 2);
    if (seen.length < 16 || logged.length !== 2 || unscored.length !== 2)
      throw new Error(`TRL made ${seen.length} completions and logged ${logged.length} rewards`);
    const right = seen.filter(({ reward }) => reward === 1).length;
    console.log(
      `TRL: two steps, ${seen.length} rewards equal to those judged here (${right} right, ` +
        `${seen.filter(({ reward }) => reward === null).length} left out)`,
    );
  }
  if (has("verl", "torch", "aiohttp", "hydra")) {
    for (const manager of ["naive", "dapo"]) {
      const rows = (await result("verl_manager.py", server.url, manager)) as {
        reward: number;
        extra: Record<string, number>;
      }[];
      equal(
        `verl's rewards, manager ${manager}`,
        rows.map(({ reward }) => reward),
        [1, 0, 0, 0],
      );
      equal(
        "scored",
        rows.map(({ extra }) => extra["scored"]),
        [1, 1, 0, 1],
      );
      equal("the same keys in every row", new Set(rows.map(({ extra }) => Object.keys(extra).sort().join())).size, 1);
      console.log(
        `verl: reward manager ${manager}, ${rows.length} rows with the keys ` +
          `${Object.keys(rows[0]?.extra ?? {}).join(", ")}`,
      );
    }
  }
  if (has("openrlhf", "aiohttp", "torch", "transformers")) {
    const processor = resolve(import.meta.dirname, "../../../shared/interop/tiny_qwen25vl");
    const hasPicture = existsSync(processor) && has("PIL", "torchvision");
    if (!hasPicture)
      console.log(
        `skipped: OpenRLHF with a picture; it needs PIL, torchvision and a Qwen2.5-VL processor in ${processor}`,
      );
    const found = (await result(
      "openrlhf_executor.py",
      server.url,
      resolve(import.meta.dirname, "../goldens/tokenizer"),
      ...(hasPicture ? [processor] : []),
    )) as Record<
      "http" | "file",
      { case: string; reward: number[]; scores: number[]; logs: Record<string, number[]> }[]
    >;
    // A bare gold answer has the default ratios, 1 and 0.1; a bad one is 0 and told apart by its log.
    const expected = [1, 0, 1, 1, 1 / 1.1, 0, ...(hasPicture ? [1, 0] : [])];
    for (const [way, rows] of Object.entries(found)) {
      const far = rows.filter(
        ({ reward }, index) =>
          Math.abs((reward[0] ?? Number.NaN) - (expected[index] as number)) > 1e-6 || reward.length !== 1,
      );
      if (far.length > 0 || rows.length !== expected.length)
        throw new Error(`OpenRLHF's rewards, ${way}: ${JSON.stringify(rows)}`);
      equal(
        "scored",
        rows.map(({ logs }) => logs["scored"]?.[0]),
        rows.map((_, index) => (index === 5 ? 0 : 1)),
      );
      equal(
        "scores",
        rows.map(({ scores }) => scores),
        rows.map(({ reward }) => reward),
      );
    }
    console.log(
      `OpenRLHF: its executor got ${found.http.length} rewards over HTTP and as many through ` +
        `v_triune_reward.py${hasPicture ? ", with pictures" : ""}`,
    );
  }
  const slime = process.env["V_TRIUNE_SLIME"];
  if (slime === undefined || !existsSync(join(slime, "slime/rollout/rm_hub/__init__.py")))
    console.log("skipped: slime. It is not on PyPI; set V_TRIUNE_SLIME to a clone of github.com/THUDM/slime");
  else if (has("aiohttp")) {
    const found = (await result("slime_remote_rm.py", server.url, slime)) as Record<string, number[]>;
    for (const [way, rewards] of Object.entries(found)) equal(`slime's rewards, ${way}`, rewards, [1, 0, 0]);
    console.log(`slime: ${Object.keys(found).join("; ")}`);
  }
  const easyr1 = process.env["V_TRIUNE_EASYR1"];
  if (easyr1 === undefined || !existsSync(join(easyr1, "verl/workers/reward/function.py")))
    console.log("skipped: EasyR1. It is not on PyPI; set V_TRIUNE_EASYR1 to a clone of github.com/hiyouga/EasyR1");
  else if (has("torch", "tensordict", "ray", "transformers", "codetiming")) {
    const { rewards, scored } = (await result("easyr1_manager.py", server.url, easyr1)) as Record<string, number[]>;
    equal("EasyR1's rewards", rewards, [1, 0, 0]);
    equal("scored", scored, [1, 1, 0]);
    console.log(`EasyR1: its reward manager got ${rewards!.length} rewards`);
  }
} finally {
  await server.drain();
  rmSync(folder, { recursive: true, force: true });
}
