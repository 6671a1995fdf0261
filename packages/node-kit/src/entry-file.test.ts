import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entryFile } from "./entry-file";

const folder = mkdtempSync(join(tmpdir(), "v-triune-entry-file-test-"));
const entry = pathToFileURL(join(folder, "entry.ts"));
const built = () => new URL("file:///nowhere.js");

beforeAll(() => {
  const library = join(folder, "node_modules/library");
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, "package.json"), '{"name":"library","main":"main.cjs","module":"module.mjs"}');
  writeFileSync(join(library, "main.cjs"), "exports.place = __filename;");
  writeFileSync(join(library, "module.mjs"), "export const place = 'never loaded by Node';");
  mkdirSync(join(folder, "inner"));
  writeFileSync(join(folder, "inner/beside.ts"), "export const beside: string = import.meta.url;");
  writeFileSync(
    entry,
    `import { parentPort, workerData } from "node:worker_threads";
     import { place } from "library";
     import { beside } from "./inner/beside";
     const text = "import.meta.url";
     const found = { here: import.meta.url, beside, place, text, workerData };
     if (parentPort) parentPort.postMessage(found); else console.log(JSON.stringify(found));`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("entryFile in a clone", () => {
  const found = {
    here: entry.href,
    beside: pathToFileURL(join(folder, "inner/beside.ts")).href,
    place: join(folder, "node_modules/library/main.cjs"),
    text: "import.meta.url",
  };

  it("starts a thread from TypeScript: its files know their place, its libraries are those that Node loads", async () => {
    const thread = new Worker(await entryFile({ source: entry, built }), { workerData: 5, execArgv: [] });
    expect((await once(thread, "message"))[0]).toEqual({ ...found, workerData: 5 });
  });

  it("starts a child process from the same file", async () => {
    const file = await entryFile({ source: entry, built });
    expect(file).toEqual(await entryFile({ source: entry, built }));
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(file)]);
    expect(JSON.parse(stdout)).toEqual({ ...found, workerData: null });
  });

  it("removes the compiled file when the process ends", async () => {
    const script = `
      import { compileEntry } from ${JSON.stringify(new URL("./compile-entry.mjs", import.meta.url).href)};
      console.log((await compileEntry(new URL(${JSON.stringify(entry.href)}))).href);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(stdout.trim()).toMatch(/entry\.mjs$/);
    expect(existsSync(new URL(stdout.trim()))).toBe(false);
  });

  it("fails with the compiler's words when the file cannot be compiled", async () => {
    const broken = join(folder, "broken.ts");
    writeFileSync(broken, "const = ;");
    await expect(entryFile({ source: pathToFileURL(broken), built })).rejects.toThrow(/broken\.ts/);
  });
});
