import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RunView } from "../run-folder/run-view";
import { emptyTrash, restoreRun, trashedRuns, trashRun } from "./run-trash";

let parent: string;
beforeEach(() => (parent = mkdtempSync(join(tmpdir(), "v-triune-trash-"))));
afterEach(() => rmSync(parent, { recursive: true, force: true }));

async function runOf(name: string, config: unknown = {}, age = 3_600): Promise<RunView> {
  const folder = join(parent, name);
  mkdirSync(join(folder, "checkpoints", "step-000001"), { recursive: true });
  writeFileSync(join(folder, "run.json"), JSON.stringify({ format: 1, name, config }));
  const at = Date.now() / 1000 - age;
  for (const file of ["run.json", "checkpoints", "checkpoints/step-000001"]) utimesSync(join(folder, file), at, at);
  const run = new RunView(name, folder);
  await run.refresh();
  return run;
}

const lock = (run: RunView, text: unknown): void => writeFileSync(join(run.folder, "run.lock"), JSON.stringify(text));

it("moves a run away whole and back, and erases only what it is told to", async () => {
  const run = await runOf("näme ~ with 'odd' letters");
  const entry = await trashRun(run, []);
  expect(readdirSync(parent)).toEqual([".trash"]);
  expect(entry).toMatchObject({ name: "näme ~ with 'odd' letters", origin: run.folder });
  for (const root of [parent, run.folder]) expect(await trashedRuns([root])).toEqual([entry]);
  await restoreRun(entry);
  expect(readdirSync(run.folder)).toContain("run.json");
  expect(readdirSync(parent)).toEqual(["näme ~ with 'odd' letters"]);
  await trashRun(run, []);
  await emptyTrash(await trashedRuns([parent]));
  expect(readdirSync(parent)).toEqual([]);
});

it("keeps both runs when the name was taken in the meantime", async () => {
  const first = await trashRun(await runOf("mine"), []);
  const second = await runOf("mine");
  await expect(restoreRun(first)).rejects.toMatchObject({ code: "name-taken" });
  await trashRun(second, []);
  const [latest] = await trashedRuns([parent]);
  await restoreRun(latest!);
  await expect(restoreRun(first)).rejects.toMatchObject({ code: "name-taken" });
  await expect(restoreRun(latest!)).rejects.toThrow();
  expect(await trashedRuns([parent])).toEqual([first]);
});

it("never moves a run that something writes to", async () => {
  const locked = await runOf("locked");
  lock(locked, { pid: process.pid, host: hostname() });
  const elsewhere = await runOf("elsewhere");
  lock(elsewhere, { pid: 1, host: "another-machine" });
  const fresh = await runOf("fresh", {}, 5);
  for (const run of [locked, elsewhere, fresh])
    await expect(trashRun(run, [])).rejects.toMatchObject({ code: "run-in-use" });
  expect(existsSync(join(parent, ".trash"))).toBe(false);
  // A trainer that was killed a moment ago leaves a lock of a process that is gone.
  lock(fresh, { pid: 2 ** 22 + 1, host: hostname() });
  await trashRun(fresh, []);
});

it("never moves a run that a live run reads", async () => {
  const first = await runOf("first");
  const second = await runOf("second", { model: { path: join(parent, "first", "checkpoints", "step-000001") } });
  lock(second, { pid: process.pid, host: hostname() });
  await second.refresh();
  await expect(trashRun(first, [first, second])).rejects.toThrow(/live run second, whose model\.path is in it/);
  lock(second, { pid: 2 ** 22 + 1, host: hostname() });
  await second.refresh();
  await trashRun(first, [first, second]);
});

it("leaves links and folders that are gone alone", async () => {
  const run = await runOf("real");
  symlinkSync("real", join(parent, "link"));
  await expect(trashRun(new RunView("link", join(parent, "link")), [])).rejects.toThrow(/is a link/);
  rmSync(run.folder, { recursive: true });
  await expect(trashRun(run, [])).rejects.toThrow(/folder is gone/);
});
