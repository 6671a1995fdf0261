import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCommand } from "../../testing/run-command";
import { commands } from "../commands";
import { SHELLS, completionScript, type Shell } from "./completion-scripts";

const folder = mkdtempSync(join(tmpdir(), "v-triune-completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function scriptFile(shell: Shell): string {
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, completionScript(shell, commands));
  return file;
}

const evaluate = (shell: Shell, ...words: string[]) => spawnSync(shell, words, { encoding: "utf8" });
const isInstalled = (shell: Shell): boolean => evaluate(shell, "-c", "exit 0").status === 0;
for (const shell of SHELLS.filter((name) => !isInstalled(name)))
  console.warn(`${shell} is not installed, so its completion is not tried: apt install ${shell}`);

describe.runIf(isInstalled("bash"))("in bash", () => {
  const complete = (...words: string[]): string[] => {
    const quoted = ["v-triune", ...words].map((word) => `'${word}'`).join(" ");
    const lines = `source ${scriptFile("bash")}
COMP_WORDS=(${quoted}) COMP_CWORD=${words.length}
_v_triune
printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = evaluate("bash", "-c", lines);
    expect(stderr).toBe("");
    return stdout.split("\n").filter((line) => line !== "");
  };

  it("knows commands, their options, and the values that some have", () => {
    expect(complete("")).toEqual([...commands.map(({ meta }) => meta.name), "help", "--help", "--version"]);
    expect(complete("tr")).toEqual(["train"]);
    expect(complete("train", "--res")).toEqual(["--resume"]);
    expect(complete("train", "x.yaml", "--dr")).toEqual(["--dry-run"]);
    expect(complete("demo", "--backend", "w")).toEqual(["webgpu", "wasm"]);
    expect(complete("native", "un")).toEqual(["uninstall"]);
    expect(complete("export", "")).toEqual(["hf", "verl"]);
    expect(complete("help", "sw")).toEqual(["sweep"]);
  });

  it("leaves file names to the shell", () => {
    expect(complete("train", "")).toEqual([]);
    expect(complete("init", "x", "--model", "")).toEqual([]);
  });
});

describe.runIf(isInstalled("zsh"))("in zsh", () => {
  it("is a script that zsh reads, with every command", () => {
    const file = scriptFile("zsh");
    const lines = `autoload -Uz compinit && compinit -D && source ${file} && print -r -- $_comps[v-triune]`;
    expect(evaluate("zsh", "-fc", lines)).toMatchObject({ stdout: "_v_triune\n", stderr: "" });
    const script = completionScript("zsh", commands);
    for (const { meta } of commands) expect(script).toContain(`\n    ${meta.name}) _arguments`);
  });
});

describe.runIf(isInstalled("fish"))("in fish", () => {
  it("knows commands, their options, and the values that some have", () => {
    const file = scriptFile("fish");
    const complete = (line: string): string[] =>
      evaluate("fish", "-N", "-c", `source ${file}; complete -C '${line}'`)
        .stdout.split("\n")
        .flatMap((row) => row.split("\t")[0]! || []);
    expect(complete("v-triune tr")).toEqual(["train"]);
    expect(complete("v-triune train --res")).toEqual(["--resume"]);
    expect(complete("v-triune demo --backend w").sort()).toEqual(["wasm", "webgpu"]);
    expect(complete("v-triune native ").sort()).toEqual(["install", "uninstall", "verify"]);
  });
});

it("is printed for the shell that is named, and other names are refused", async () => {
  expect((await runCommand("completion", "fish")).out).toBe(completionScript("fish", commands));
  const { code, err } = await runCommand("completion", "bsh");
  expect(code).toBe(2);
  expect(err).toContain('did you mean "v-triune completion bash"?');
});
