/**
 * The guides of docs/guides, played: their files are written, their commands run in order in a folder of their own, and
 * what a `text` block shows must be printed by the commands before it. A command that is not run is named below, with
 * the reason.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportError } from "../../apps/trainer/src/cli/report-error";
import { runCommandLine } from "../../apps/trainer/src/cli/run-command-line";

const root = resolve(import.meta.dirname, "../..");
const guides = join(root, "docs/guides");
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const python = spawnSync("python3", ["--version"]).status === 0;
if (!python) console.warn("skipped: the Python programs of the guides. No python3 here.");

const NOT_RUN: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^npm install /, "npm run check:tarballs installs the packages"],
  [/^duckdb /, "DuckDB's own program; tests of data-filters read the same files with DuckDB"],
  [/^npx v-triune demo /, "a minute; npm start and npm run check:tarballs run it"],
  [/^npx v-triune (train my-run --dashboard|train .* --resume|eval|export) ?/, "minutes; tests of apps/trainer train"],
  [/^npx @v-triune\/monitor /, "wants a trained run; commands.test.ts of the monitor runs these"],
  [/^cd chart-value && /, "installs from npm; new-verifier's own test runs the folder's test"],
  [
    /^npx v-triune (audit|serve) /,
    "wants the built packages; tests of apps/trainer and npm run check:tarballs run them",
  ],
  ...(python ? [] : ([[/^python3 /, "no python3 here"]] as const)),
];

interface Block {
  readonly language: string;
  /** The file that the block is. */
  readonly file: string | null;
  readonly text: string;
}

const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^(?:<!-- file: (\S+) -->\n)?```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    file: match[1] ?? null,
    language: match[2]!,
    text: match[3]!,
  }));

let folder: string;
const before = process.cwd();
const servers: ChildProcess[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-guides-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  symlinkSync(join(root, "apps/trainer/assets/demo-model"), join(folder, "my-model"));
  mkdirSync(join(folder, "my-data/pictures"), { recursive: true });
  const rows = ["id,image,question,answer"];
  for (let count = 1; count <= 8; count += 1) {
    const circles = Array.from(
      { length: count },
      (_, index) => `<circle cx="${20 + (index % 3) * 45}" cy="${20 + Math.floor(index / 3) * 45}" r="15"/>`,
    );
    const drawn = `<svg xmlns="http://www.w3.org/2000/svg" width="140" height="140"><rect width="140" height="140" fill="#fff"/>${circles.join("")}</svg>`;
    await sharp(Buffer.from(drawn))
      .png()
      .toFile(join(folder, `my-data/pictures/${count}.png`));
    rows.push(`q${count},pictures/${count}.png,How many circles are in the picture?,${count === 8 ? "" : count}`);
  }
  writeFileSync(join(folder, "my-data/circles.csv"), `${rows.join("\n")}\n`);
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  for (const server of servers) server.kill();
  delete process.env.V_TRIUNE_REWARD_URL;
  rmSync(folder, { recursive: true, force: true });
});

/** A server of the guides on a free port, which the commands after it ask. */
async function startServer(): Promise<string> {
  const bin = join(root, "node_modules/@v-triune/reward-server/bin/v-triune-reward-server.mjs");
  const server = spawn(process.execPath, [bin, "--port", "0", "--workers", "1"], { stdio: ["ignore", "pipe", "pipe"] });
  servers.push(server);
  let said = "";
  return await new Promise((done, failed) => {
    for (const stream of [server.stdout, server.stderr])
      stream.on("data", (text: Buffer) => {
        said += text.toString();
        const address = /http:\/\/[\d.]+:\d+/.exec(said)?.[0];
        if (address === undefined) return;
        process.env.V_TRIUNE_REWARD_URL = address;
        done("");
      });
    server.once("exit", () => failed(new Error(said)));
  });
}

function shell(command: string): string {
  const bin = join(root, "node_modules/@v-triune/rewards/bin/v-triune-rewards.mjs");
  const line = command
    .replace(/^npx @v-triune\/rewards /, `node ${bin} `)
    .replace(/^node /, `"${process.execPath}" --conditions=@v-triune/source --import "${tsx}" `);
  const { stdout, stderr, status } = spawnSync(line, { shell: true, encoding: "utf8" });
  expect(status, `${command}\n${stderr}`).toBe(0);
  return stdout;
}

async function run(command: string): Promise<string> {
  if (command.endsWith(" &")) return await startServer();
  if (!command.startsWith("npx v-triune ")) return shell(command);
  let said = "";
  const take = (text: string): void => void (said += text);
  const args = command
    .replace(/ +#.*$/, "")
    .split(" ")
    .slice(2);
  const status = await runCommandLine(args, { out: take, err: take }).catch((error: unknown) => {
    throw new Error(`${command}\n${reportError(error, true).text}`);
  });
  expect(status, `${command}\n${said}`).toBe(0);
  return said;
}

describe("the guides", () => {
  const used = new Set<RegExp>();
  // In the order of the work: the corpus of the one is trained on in the next.
  const names = ["rewards-in-your-trainer", "your-own-data", "train-your-model", "contribute-a-verifier"];

  it("are all here", () => {
    expect(readdirSync(guides).sort()).toEqual(names.map((name) => `${name}.md`).sort());
  });

  it.each(names)("%s does what it says", async (name) => {
    let printed = "";
    for (const { language, file, text } of blocksOf(readFileSync(join(guides, `${name}.md`), "utf8"))) {
      if (file !== null) writeFileSync(join(folder, file), text);
      if (language === "text") for (const line of text.trimEnd().split("\n")) expect(printed).toContain(line.trimEnd());
      if (language !== "sh") continue;
      for (const command of text.trimEnd().split("\n")) {
        const reason = NOT_RUN.find(([pattern]) => pattern.test(command));
        if (reason !== undefined) used.add(reason[0]);
        else printed += await run(command);
      }
    }
  });

  it("have no reason left for a command that no guide has any more", () => {
    expect(NOT_RUN.filter(([pattern]) => !used.has(pattern)).map(([pattern]) => String(pattern))).toEqual([]);
  });
});
