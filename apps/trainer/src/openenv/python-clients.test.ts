/**
 * The examples of docs/openenv.md with the real clients: PyPI's `openenv` (0.10) and TRL (1.16, on the CPU) with the
 * demonstration's model.
 */
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { writeTrainingData } from "@v-triune/demo-tasks";
import { type RewardServer, startRewardServer } from "@v-triune/reward-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoModelFolder } from "../demo/run-demo";
import { openCorpusTasks } from "./corpus-tasks";

const examples = resolve(import.meta.dirname, "../../../../examples/openenv");
const guide = readFileSync(resolve(import.meta.dirname, "../../../../docs/openenv.md"), "utf8");
const source = (name: string): string => readFileSync(join(examples, name), "utf8");

it.each(["quickstart.py", "trl_training.py"])("%s is shown in the docs as it is", (name) => {
  expect(guide).toContain(`\`\`\`python\n${source(name)}\`\`\`\n`);
});

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";
const lacking = (...modules: string[]): string[] =>
  modules.filter(
    (name) =>
      spawnSync(python, ["-c", `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`])
        .status !== 0,
  );
const missing = { client: lacking("openenv"), trl: lacking("openenv", "trl", "torch", "datasets", "PIL") };
if (missing.trl.length > 0)
  console.warn(
    `skipped: OpenEnv's client and TRL. ${python} lacks ${missing.trl.join(" ")}; pip install openenv trl torch, or ` +
      "set V_TRIUNE_PYTHON to an interpreter that has them",
  );

const folder = mkdtempSync(join(tmpdir(), "v-triune-openenv-python-"));
let server: RewardServer;
beforeAll(async () => {
  await writeTrainingData(join(folder, "train.parquet"), 4, 1);
  server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent" }, undefined, {
    tasks: (verifiers) => openCorpusTasks(folder, { verifiers }),
  });
});
afterAll(async () => {
  await server.drain();
  rmSync(folder, { recursive: true, force: true });
});

async function run(program: string, ...args: string[]): Promise<string> {
  const env = {
    ...process.env,
    V_TRIUNE_URL: server.url,
    PYTHONDONTWRITEBYTECODE: "1",
    HF_HUB_OFFLINE: "1",
    OMP_NUM_THREADS: "1",
    CUDA_VISIBLE_DEVICES: "",
    TRL_EXPERIMENTAL_SILENCE: "1",
  };
  return (await promisify(execFile)(program, args, { env, cwd: folder, maxBuffer: 2 ** 26 })).stdout;
}

describe.skipIf(missing.client.length > 0)("PyPI's openenv", () => {
  it("runs the quickstart", async () => {
    const comments = source("quickstart.py")
      .split("\n")
      .filter((line) => line.startsWith("# "));
    expect(await run(python, join(examples, "quickstart.py"))).toBe(
      `${comments.map((line) => line.slice(2)).join("\n")}\n`,
    );
  });

  it("finds that the server keeps to its standard", async () => {
    const report = await run(
      python,
      "-c",
      "import json, sys; from openenv.cli._validation import validate_running_environment as validate; " +
        "print(json.dumps(validate(sys.argv[1], 30)))",
      server.url,
    );
    expect(JSON.parse(report)).toMatchObject({ passed: true, mode: "simulation" });
  });

  it("is told what is wrong, and runs several sessions", async () => {
    const script = join(folder, "sessions.py");
    writeFileSync(
      script,
      `
import asyncio, sys
from openenv.core import GenericEnvClient

async def main():
    async with GenericEnvClient(base_url=sys.argv[1]) as env:
        other = await env.new_session()
        one, two = await asyncio.gather(env.reset(seed=5), other.reset(seed=5))
        assert one.metadata["index"] == two.metadata["index"], (one.metadata, two.metadata)
        for client, call, text in [(env, lambda: env.step({"answer": "4"}), "did you mean response"), (env, lambda: env.reset(index=-1), "at least 0")]:
            try:
                await call()
                raise AssertionError("taken")
            except RuntimeError as error:
                assert text in str(error) and "VALIDATION_ERROR" in str(error), error
        results = await asyncio.gather(env.step({"response": "x"}), other.step({"response": "x"}))
        assert [result.done for result in results] == [True, True]
        print((await other.state())["step_count"])

asyncio.run(main())
`,
    );
    expect(await run(python, script, server.url)).toBe("1\n");
  });
});

describe.skipIf(missing.trl.length > 0)("TRL's environment_factory", () => {
  it("trains the demonstration's model on tasks with pictures", async () => {
    const model = join(folder, "model");
    cpSync(demoModelFolder, model, { recursive: true });
    // TRL wants a template that shows calls of tools, though no tool is called here.
    const template = join(model, "chat_template.jinja");
    const calls =
      "{%- for call in message.tool_calls or [] -%}\n{{ call.function.name }} {{ call.function.arguments | tojson }}\n{%- endfor -%}\n";
    writeFileSync(template, readFileSync(template, "utf8").replace("<|im_end|>\n", `${calls}<|im_end|>\n`));
    const output = join(folder, "trained");
    mkdirSync(output);
    const out = await run(python, join(examples, "trl_training.py"), model, output);
    const rewards = JSON.parse(/^RESULT (.*)$/m.exec(out)?.[1] ?? "null") as number[];
    expect(rewards).toHaveLength(2);
    // The demonstration's model answers some of its tasks.
    expect(Math.max(...rewards)).toBeGreaterThan(0);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/requests_total\{route="\/ws step",status="200"\} (1[6-9]|[2-9]\d)/);
  }, 300_000);
});
