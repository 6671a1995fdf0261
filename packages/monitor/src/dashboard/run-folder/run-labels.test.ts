import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labelChange, NO_LABELS, RunLabelsFile } from "./run-labels";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "v-triune-labels-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const saved = (): unknown => JSON.parse(readFileSync(join(folder, "monitor.json"), "utf8"));

describe("labels of a run", () => {
  it("are saved in its folder, one change after another, and read again", async () => {
    const file = new RunLabelsFile(folder);
    expect(await file.refresh()).toBe(false);
    await Promise.all([
      file.change({ title: "the fix" }),
      file.change({ tags: ["good"] }),
      file.change({ note: "a\nb" }),
    ]);
    expect(saved()).toEqual({
      format: 1,
      revision: 3,
      title: "the fix",
      tags: ["good"],
      note: "a\nb",
      archived: false,
    });
    const other = new RunLabelsFile(folder);
    expect(await other.refresh()).toBe(true);
    expect(other.labels).toMatchObject({ revision: 3, title: "the fix", tags: ["good"] });
    expect(readdirSync(folder)).toEqual(["monitor.json"]);
  });

  it("are not overwritten by one who has not seen the last change", async () => {
    const [one, two] = [new RunLabelsFile(folder), new RunLabelsFile(folder)];
    await one.change({ note: "first" }, 0);
    await expect(two.change({ note: "second" }, 0)).rejects.toMatchObject({ code: "labels-changed" });
    expect(saved()).toMatchObject({ revision: 1, note: "first" });
  });

  it("keep what other programs wrote beside them", async () => {
    writeFileSync(join(folder, "monitor.json"), JSON.stringify({ format: 1, revision: 4, theirs: [1] }));
    await new RunLabelsFile(folder).change({ archived: true }, 4);
    expect(saved()).toMatchObject({ revision: 5, archived: true, theirs: [1] });
  });

  it.each([
    ["half of it", '{"format": 1, "rev'],
    ["a list", "[]"],
    ["a newer format", '{"format": 2, "revision": 1}'],
    ["a title that is a number", '{"format": 1, "revision": 1, "title": 7}'],
    ["no revision", '{"format": 1}'],
  ])("are never replaced when the file holds %s", async (_what, text) => {
    writeFileSync(join(folder, "monitor.json"), text);
    const file = new RunLabelsFile(folder);
    await file.refresh();
    expect([file.labels, file.problem]).toEqual([NO_LABELS, expect.stringContaining("cannot be read") as string]);
    await expect(file.change({ note: "mine" })).rejects.toThrow(/cannot be saved/);
    expect(readFileSync(join(folder, "monitor.json"), "utf8")).toBe(text);
  });

  it("do not bring back a folder that was deleted, and leave no half of a file in one that is read-only", async () => {
    const gone = join(folder, "gone");
    await expect(new RunLabelsFile(gone).change({ note: "mine" })).rejects.toThrow(/folder is gone/);
    expect(existsSync(gone)).toBe(false);
    const blocked = join(folder, "blocked");
    mkdirSync(join(blocked, "monitor.json"), { recursive: true });
    await expect(new RunLabelsFile(blocked).change({ note: "mine" })).rejects.toThrow(/cannot be saved/);
    expect(readdirSync(blocked)).toEqual(["monitor.json"]);
  });

  it.skipIf(process.getuid?.() === 0)("tell that the folder cannot be written to", async () => {
    chmodSync(folder, 0o500);
    await expect(new RunLabelsFile(folder).change({ note: "mine" })).rejects.toThrow(/no permission/);
    chmodSync(folder, 0o700);
  });
});

it("takes texts of any script, and refuses what is too long, of another type or not one line", () => {
  const odd = `</script><b>שלום</b> "'\\ 🙂`;
  expect(labelChange({ title: ` ${odd} `, tags: [odd, odd, " "], note: `${odd}\r\n` })).toEqual({
    title: odd,
    tags: [odd],
    note: odd,
  });
  expect(labelChange({ title: " ", note: "🙂".repeat(10_000) })).toEqual({ title: null, note: "🙂".repeat(10_000) });
  for (const [change, text] of [
    [{ note: "x".repeat(10_001) }, /note[^]*at most 10000 characters[^]*10001/],
    [{ title: "x".repeat(201) }, /title[^]*at most 200/],
    [{ title: "a\u0000b" }, /one line/],
    [{ title: 3 }, /a text[^]*3/],
    [{ tags: "good" }, /a list of texts/],
    [{ tags: [["x"]] }, /a text/],
    [{ tags: ["a,b"] }, /without a comma/],
    [{ tags: Array.from({ length: 21 }, (_, index) => `t${index}`) }, /at most 20 tags/],
    [{ archived: "yes" }, /true or false/],
  ] as const)
    expect(() => labelChange(change)).toThrow(text);
});
