import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseServerArguments, settingsFromArguments } from "./cli/arguments";
import { serverHelp } from "./cli/help";
import { SERVER_OPTIONS, type ServerOption } from "./options";
import { completeSettings } from "./complete-settings";

const BIN = resolve(import.meta.dirname, "../bin/v-triune-reward-server.mjs");
const folder = mkdtempSync(join(tmpdir(), "v-triune-reward-command-"));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) if (child.exitCode === null) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]): {
  child: ChildProcess;
  url: Promise<string>;
  ended: Promise<{ code: number | null; err: string }>;
} {
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  let err = "";
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const url = new Promise<string>((found) =>
    child.stdout?.once("data", (chunk: Buffer) => found(chunk.toString().split(/\s/)[0] as string)),
  );
  return { child, url, ended: new Promise((end) => child.once("close", (code) => end({ code, err }))) };
}

describe("the command", () => {
  it("serves a custom verifier in TypeScript, answers what it accepted when told to stop, and exits 0", async () => {
    const path = join(folder, "slow.ts");
    writeFileSync(
      path,
      'interface Sample { groundTruth: string }\nexport const slow = { name: "slow", verify(response: string, sample: Sample) { const until = performance.now() + 300; while (performance.now() < until); return { status: "scored", accuracy: Number(response === sample.groundTruth), format: 1, metrics: {} }; } };\n',
    );
    const { child, url, ended } = start("--port", "0", "--workers", "1", "--verifier", `${path}#slow`);
    const at = await url;
    const reply = fetch(`${at}/v1/score`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        requests: Array.from({ length: 3 }, () => ({
          response: "4",
          verifier: "slow",
          ground_truth: "4",
          format_ratio: 0,
        })),
      }),
    });
    while (!(await (await fetch(`${at}/metrics`)).text()).includes("v_triune_reward_accepted 3"))
      await new Promise((later) => setTimeout(later, 10));
    child.kill("SIGTERM");
    expect(
      ((await (await reply).json()) as { results: { reward: number }[] }).results.map(({ reward }) => reward),
    ).toEqual([1, 1, 1]);
    const { code, err } = await ended;
    expect(code).toBe(0);
    // Log lines carry no text of requests.
    expect(err).toContain('"msg":"stopped"');
    expect(err).not.toContain("ground_truth");
  });

  it("says what is wrong with a verifier or an address and exits 2", async () => {
    const path = join(folder, "none.mjs");
    writeFileSync(path, "export default 4;");
    const { code, err } = await start("--port", "0", "--verifier", path).ended;
    expect(code).toBe(2);
    expect(err).toMatch(
      /^The export "default" of a verifier module is not a verifier\.\n {2}where: {4}file:.*none\.mjs\n/,
    );
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe("arguments", () => {
  const settings = (...args: string[]) => completeSettings(settingsFromArguments(parseServerArguments(args)));

  it("become settings", () => {
    const token = join(folder, "token");
    writeFileSync(token, "correct-horse\n");
    expect(
      settings(
        "--port=0",
        "--host",
        "0.0.0.0",
        "--sum",
        "--iou-threshold",
        "0.5",
        "--token-file",
        token,
        "--max-body-mb",
        "0.5",
        "--compat",
        "original",
      ),
    ).toMatchObject({
      port: 0,
      host: "0.0.0.0",
      normalized: false,
      epsilon: 0.5,
      token: "correct-horse",
      bodyBytes: 524_288,
      compat: "original",
    });
    expect(settings()).toMatchObject({
      host: "127.0.0.1",
      port: 8000,
      token: undefined,
      corsOrigin: undefined,
      logText: false,
      epsilon: "average",
      compat: "none",
    });
  });

  it.each([
    [["--prot", "1"], /Unknown option '--prot'/],
    [["x"], /Unexpected argument 'x'/],
    [["--port"], /argument missing/],
    [["--port", "many"], /--port[\s\S]*a number[\s\S]*many/],
    [["--port", "70000"], /0 to 65535/],
    [["--workers", "0"], /workers[\s\S]*at least 1/],
    [["--compat", "orignal"], /one of none, original/],
    [["--memory-mb", "1"], /memoryMb[\s\S]*--memory-mb[\s\S]*at least 16/],
    [["--iou-threshold", "2"], /\(0, 1\]/],
    [["--verifier", "./nowhere.ts"], /a file that exists[\s\S]*nowhere\.ts/],
    [["--token-file", "/nowhere"], /--token-file/],
    [["--max-queue", "10"], /queue is smaller than one batch/],
  ])("%j are refused with what was expected", (args, message) => expect(() => settings(...args)).toThrow(message));

  it("are all in docs/reward-server.md", () => {
    const rows = (Object.values(SERVER_OPTIONS) as ServerOption<unknown>[]).flatMap(
      ({ flag, hint, help, shownDefault }) => {
        if (flag === undefined) return [];
        const left = hint === undefined ? `--${flag}` : `--${flag} ${hint.replaceAll("|", "\\|")}`;
        return [`| \`${left}\` | ${shownDefault ?? ""} | ${help} |`];
      },
    );
    const page = readFileSync(resolve(import.meta.dirname, "../../../docs/reward-server.md"), "utf8");
    expect(page).toContain(["| option | default | what it does |", "|---|---|---|", ...rows, ""].join("\n"));
  });

  it("are all in the help, at 80 columns", () => {
    const help = serverHelp("0.1.0");
    for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    for (const name of ["--verifier", "--token-file", "--compat", "--drain-ms"]) expect(help).toContain(name);
  });
});
