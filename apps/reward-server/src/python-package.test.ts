/**
 * The Python package of python/: its own tests, and the examples of docs/python.md, each with the trainer's real
 * package where the interpreter has it.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { startRewardServer, type RewardServer } from "./server";

const root = resolve(import.meta.dirname, "../../..");
const source = join(root, "python/src");
const examples = join(root, "examples/python");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the Python package", () => {
  it("has the one-file client as it is, and the server's version", () => {
    expect(read("python/src/v_triune_reward.py")).toBe(read("packages/rewards/python/v_triune_reward.py"));
    const { version } = packageJson;
    expect(read("python/pyproject.toml")).toContain(`\nversion = "${version}"\n`);
    expect(read("python/src/v_triune/__init__.py")).toContain(`__version__ = "${version}"`);
    const [major, minor] = version.split(".");
    expect(read("python/src/v_triune/_server.py")).toContain(`NPM_VERSION = "${major}.${minor}"`);
  });

  it.each(readdirSync(examples).filter((name) => name.endsWith(".py")))("shows %s in the docs as it is", (name) => {
    expect(read("docs/python.md")).toContain(`\`\`\`python\n${read(`examples/python/${name}`)}\`\`\`\n`);
  });
});

const python = process.env["V_TRIUNE_PYTHON"] ?? process.env["PYTHON"] ?? "python3";
const answers = (code: string): boolean => spawnSync(python, ["-c", code]).status === 0;
const isPresent = answers("import sys; sys.exit(sys.version_info < (3, 9))");
if (!isPresent)
  console.warn(`skipped: the Python package, there is no ${python} of 3.9 or newer (set V_TRIUNE_PYTHON)`);

describe.skipIf(!isPresent)("with an interpreter", () => {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-python-"));
  let server: RewardServer;
  beforeAll(async () => {
    server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent" });
  });
  afterAll(async () => {
    await server.drain();
    rmSync(folder, { recursive: true, force: true });
  });
  const environment = {
    ...process.env,
    PYTHONPATH: source,
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONWARNINGS: "error::ResourceWarning",
    HF_HUB_OFFLINE: "1",
    OMP_NUM_THREADS: "1",
    CUDA_VISIBLE_DEVICES: "",
  };

  it("passes its own tests", async () => {
    const command = `${process.execPath} ${join(root, "apps/reward-server/bin/v-triune-reward-server.mjs")}`;
    const { stderr } = await promisify(execFile)(python, ["-m", "unittest", "discover", join(root, "python/tests")], {
      env: { ...environment, V_TRIUNE_SERVER_COMMAND: command, V_TRIUNE_REWARD_URL: "" },
    });
    expect(stderr).toMatch(/Ran \d+ tests[^]*OK/);
  }, 300_000);

  /** What an example needs besides this package, and its arguments. */
  const needs: Readonly<Record<string, { readonly modules: readonly string[]; readonly args?: readonly string[] }>> = {
    "trl_reward.py": {
      modules: ["trl", "torch", "datasets"],
      args: [join(root, "apps/trainer/assets/demo-model"), join(folder, "trl")],
    },
    "swift_reward.py": { modules: ["swift"] },
    "skyrl_reward.py": { modules: ["skyrl_gym", "omegaconf", "func_timeout"] },
    "prime_reward.py": { modules: ["verifiers", "pydantic_config"] },
  };
  for (const name of readdirSync(examples).filter((file) => file.endsWith(".py"))) {
    const { modules = [], args = [] } = needs[name] ?? {};
    const missing = modules.filter(
      (module) => !answers(`import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`),
    );
    if (missing.length > 0)
      console.warn(`skipped: ${name}. ${python} lacks ${missing.join(" ")}; pip install them, or set V_TRIUNE_PYTHON`);
    it.skipIf(missing.length > 0)(
      `${name} prints what its last lines say`,
      async () => {
        const env = { ...environment, PYTHONWARNINGS: "ignore", V_TRIUNE_REWARD_URL: server.url };
        const { stdout } = await promisify(execFile)(python, [join(examples, name), ...args], { env });
        const lines = read(`examples/python/${name}`).trimEnd().split("\n");
        const expected = lines.slice(lines.findLastIndex((line) => !line.startsWith("# ")) + 1);
        expect(stdout.trimEnd().split("\n").slice(-expected.length)).toEqual(expected.map((line) => line.slice(2)));
      },
      300_000,
    );
  }
});
