import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DatasetError } from "@v-triune/schema";
import { BackendError } from "@v-triune/backend";
import { ConfigError } from "@v-triune/errors";
import { runCommand } from "../testing/run-command";
import { checkArguments, wholeNumber } from "./syntax/arguments";
import { commands } from "./commands";
import { reportError } from "./report-error";
import { formatCommandHelp } from "./syntax/usage";

const folder = mkdtempSync(join(tmpdir(), "v-triune-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("help", () => {
  it("fits 80 columns, for the program and each command", async () => {
    const texts = [(await runCommand("--help")).out, ...commands.map(formatCommandHelp)];
    for (const line of texts.join("\n").split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it("is shown for no arguments, --help, -h, help, and a command's --help wherever it stands", async () => {
    const { out, code } = await runCommand();
    expect(code).toBe(0);
    expect(out).toContain("Usage: v-triune COMMAND [OPTIONS]");
    expect((await runCommand("-h")).out).toBe(out);
    expect((await runCommand("help")).out).toBe(out);
    const train = await runCommand("train", "--help");
    expect(train.out).toContain("Usage: v-triune train CONFIG [OPTIONS]");
    expect((await runCommand("help", "train")).out).toBe(train.out);
    expect((await runCommand("train", "x.yaml", "--nonsense", "-h")).out).toBe(train.out);
  });

  it("has examples for every command, whose arguments the command takes", () => {
    for (const { meta, args, examples } of commands) {
      expect(examples.length, meta.name).toBeGreaterThan(0);
      // A line that ends in a backslash goes on in the next.
      for (const example of examples.join("\n").replaceAll("\\\n", " ").split("\n")) {
        const words = example.match(/'[^']*'|"[^"]*"|<\(|\S+/g)!;
        const from = words.findIndex((word, index) => word === "v-triune" && words[index + 1] === meta.name);
        expect(from, example).not.toBe(-1);
        const ends = words.findIndex((word, index) => index > from && (/^[|#]/.test(word) || word.endsWith(")")));
        const rest = words.slice(from + 2, ends === -1 ? undefined : ends);
        expect(() => checkArguments(meta.name, rest, args), example).not.toThrow();
      }
    }
  });

  it("lists every command", async () => {
    const { out } = await runCommand("--help");
    for (const { meta } of commands) expect(out).toContain(`  ${meta.name} `);
  });
});

describe("what is typed wrongly", () => {
  it.each([
    [["trainn", "x.yaml"], /no command "trainn"[\s\S]*did you mean "v-triune train"\?/],
    [["frobnicate"], /one of demo, curate/],
    [["--verbose"], /no option --verbose/],
    [["train"], /needs CONFIG/],
    [["train", "a", "b"], /takes one argument/],
    [["train", "a", "--resum"], /no option --resum[\s\S]*did you mean --resume\?/],
    [["train", "a", "--set"], /--set needs a value/],
    [["demo", "x"], /takes no arguments/],
    [["demo", "--seed", "-1"], /at least 0[\s\S]*-1/],
    [["demo", "--steps=0.5"], /whole number of at least 1[\s\S]*0\.5/],
    [["demo", "--backend", "wsm"], /one of auto, [\s\S]*did you mean --backend wasm\?/],
    [["native", "instal"], /did you mean "v-triune native install"/],
    [["sources", "clevrr"], /did you mean "clevr"/],
    [["train", "/nowhere.yaml"], /does not exist[\s\S]*\/nowhere\.yaml/],
  ])("%s", async (args, message) => {
    const { code, out, err } = await runCommand(...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe("a configuration that can't be used", () => {
  const config = (text: string): string => {
    const path = join(folder, "train.yaml");
    writeFileSync(path, text);
    return path;
  };

  it("is told with its line before anything is made, and with a trace only under --debug", async () => {
    const path = config("model: m\ndata: {train: d}\noptimizer:\n  lr: -1\n");
    const plain = await runCommand("train", path);
    expect(plain.code).toBe(2);
    expect(plain.err).toBe(
      `The configuration key "optimizer.lr" has a value that can't be used.\n  where:    ${path}:4\n` +
        `  expected: positive\n  found:    -1\n`,
    );
    const debug = await runCommand("train", path, "--debug");
    expect(debug.code).toBe(2);
    expect(debug.err).toMatch(/\n\s+at /);
  });

  it("names the override that is wrong", async () => {
    const { err, code } = await runCommand(
      "train",
      config("model: m\ndata: {train: d}\n"),
      "--set",
      "optimizer.lr=1e-6",
      "--set",
      "optimiser.lr=1",
    );
    expect(code).toBe(2);
    expect(err).toMatch(/no configuration key "optimiser"[\s\S]*--set optimiser\.lr=1[\s\S]*did you mean "optimizer"/);
  });

  it("of a curation names the line too", async () => {
    const path = join(folder, "corpus.yaml");
    writeFileSync(path, "output: out\nsources:\n  - source: clevr\n    pth: raw\n");
    const { err, code } = await runCommand("curate", path);
    expect(code).toBe(2);
    expect(err).toMatch(/"sources\.0\.pth"[\s\S]*corpus\.yaml:4[\s\S]*did you mean path\?/);
  });
});

describe("sources", () => {
  it("are all adapters, as a table and as JSON", async () => {
    const { out } = await runCommand("sources");
    expect(out.split("\n").filter((line) => line.startsWith("  "))).toHaveLength(24);
    expect(JSON.parse((await runCommand("sources", "--json")).out)).toHaveLength(24);
    expect((JSON.parse((await runCommand("sources", "clevr", "--json")).out) as { task: string }).task).toBe(
      "counting",
    );
    const table = (await runCommand("sources", "table")).out;
    for (const setting of ["task", "name", "files", "columns", "boxFormat", "field"])
      expect(table).toContain(`    ${setting} `);
    for (const key of ["verl", "coco", "chartqa", "superclevr"])
      expect((await runCommand("sources", key)).code).toBe(0);
    for (const line of table.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect((await runCommand("sources", "tabel")).err).toContain('did you mean "table"');
  });
});

describe("checkArguments", () => {
  it("collects an option's values in order and takes what follows -- as it is", () => {
    const args = {
      set: { type: "string" },
      all: { type: "boolean" },
      file: { type: "positional" },
      more: { type: "positional", required: false },
    } as const;
    const { values, positionals } = checkArguments(
      "x",
      ["--set", "a=1", "--no-all", "--set=b==2", "--", "--file"],
      args,
    );
    expect(values.get("set")).toEqual(["a=1", "b==2"]);
    expect(positionals).toEqual(["--file"]);
  });

  it("reads whole numbers", () => {
    expect(wholeNumber("n", undefined, 1)).toBeUndefined();
    expect(wholeNumber("n", "12", 1)).toBe(12);
    for (const text of ["", "1e3", "abc", "99999999999999999999", "0x10"])
      expect(() => wholeNumber("n", text, 0)).toThrow(/whole number/);
  });
});

describe("reportError", () => {
  it("knows what a person can fix, whichever package says it", () => {
    const errors = [
      new ConfigError({ what: "x" }),
      new DatasetError({ code: "missing-file", expected: "a", found: "b" }),
      new BackendError({ what: "x" }),
    ];
    for (const error of errors) expect(reportError(error, false)).toEqual({ text: error.message, exitCode: 2 });
  });

  it("points to --debug for anything else, and shows causes there", () => {
    const { text, exitCode } = reportError(new TypeError("x is not a function"), false);
    expect(exitCode).toBe(1);
    expect(text).toMatch(/TypeError: x is not a function[\s\S]*--debug/);
    expect(reportError(new Error("outer", { cause: new Error("inner") }), true).text).toMatch(
      /outer[\s\S]*caused by: Error: inner/,
    );
    expect(reportError("just text", false).exitCode).toBe(1);
  });
});
