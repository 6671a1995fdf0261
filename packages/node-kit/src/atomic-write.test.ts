import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { removeTemporaryFiles, replaceFile, replaceFileSync, writeFileAtomic, writeFolderAtomic } from "./atomic-write";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "v-triune-atomic-write-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

describe("writeFileAtomic", () => {
  it("writes texts, bytes and parts, and makes the folders above", async () => {
    const path = join(folder, "a/b/file.txt");
    for (const data of ["one two", bytes("one two"), [bytes("one "), bytes("two")]]) {
      await writeFileAtomic(path, data);
      expect(readFileSync(path, "utf8")).toBe("one two");
    }
    async function* parts() {
      yield bytes("three ");
      yield bytes("four");
    }
    await writeFileAtomic(path, parts());
    expect(readFileSync(path, "utf8")).toBe("three four");
    expect(readdirSync(join(folder, "a/b"))).toEqual(["file.txt"]);
  });

  it("leaves the file of before and nothing else when the contents fail midway", async () => {
    const path = join(folder, "file.txt");
    writeFileSync(path, "before");
    async function* parts() {
      yield bytes("half of the ");
      throw new Error("no more");
    }
    await expect(writeFileAtomic(path, parts())).rejects.toThrow("no more");
    expect(readFileSync(path, "utf8")).toBe("before");
    expect(readdirSync(folder)).toEqual(["file.txt"]);
  });

  it("writes whole files also when two writers are at one file", async () => {
    const path = join(folder, "file.txt");
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(contents.map((text) => writeFileAtomic(path, text)));
    expect(contents).toContain(readFileSync(path, "utf8"));
    expect(readdirSync(folder)).toEqual(["file.txt"]);
  });

  it("syncs the file before it is renamed and the folder after", async () => {
    const order: string[] = [];
    const path = join(folder, "file.txt");
    const prototype = Object.getPrototypeOf(await openAndClose(folder)) as { sync(): Promise<void> };
    const sync = prototype.sync;
    const spy = vi.spyOn(prototype, "sync").mockImplementation(function (this: unknown) {
      order.push(readdirSync(folder).join());
      return sync.call(this);
    });
    await writeFileAtomic(path, "text");
    spy.mockRestore();
    expect(order).toEqual([expect.stringMatching(/^\.file\.txt\.tmp-/), "file.txt"]);
  });
});

async function openAndClose(path: string) {
  const handle = await open(path, "r");
  await handle.close();
  return handle;
}

describe("replaceFile", () => {
  it("replaces a file by what the writer makes, now and later", async () => {
    const path = join(folder, "file.txt");
    replaceFileSync(path, (temporary) => writeFileSync(temporary, "sync"));
    expect(readFileSync(path, "utf8")).toBe("sync");
    await replaceFile(path, async (temporary) => writeFileSync(temporary, "async"));
    expect(readFileSync(path, "utf8")).toBe("async");
    expect(readdirSync(folder)).toEqual(["file.txt"]);
  });

  it("leaves the file of before and nothing else when the writer fails", async () => {
    const path = join(folder, "file.txt");
    writeFileSync(path, "before");
    const fail = (temporary: string) => {
      writeFileSync(temporary, "half");
      throw new Error("no more");
    };
    expect(() => replaceFileSync(path, fail)).toThrow("no more");
    await expect(replaceFile(path, async (temporary) => fail(temporary))).rejects.toThrow("no more");
    expect(readFileSync(path, "utf8")).toBe("before");
    expect(readdirSync(folder)).toEqual(["file.txt"]);
  });

  it("does not make the folder", async () => {
    const path = join(folder, "none/file.txt");
    await expect(replaceFile(path, async (to) => writeFileSync(to, "text"))).rejects.toThrow("ENOENT");
  });
});

describe("writeFolderAtomic", () => {
  it("makes a folder with all that is in it", async () => {
    const path = join(folder, "a/made");
    await writeFolderAtomic(path, async (temporary) => {
      mkdirSync(join(temporary, "inner"));
      writeFileSync(join(temporary, "inner/file.txt"), "text");
    });
    expect(readFileSync(join(path, "inner/file.txt"), "utf8")).toBe("text");
    expect(readdirSync(join(folder, "a"))).toEqual(["made"]);
  });

  it("leaves nothing behind when filling it fails, and refuses a folder that is in use", async () => {
    const path = join(folder, "made");
    const fill = async (temporary: string) => writeFileSync(join(temporary, "file.txt"), "text");
    await expect(
      writeFolderAtomic(path, async (temporary) => {
        await fill(temporary);
        throw new Error("no more");
      }),
    ).rejects.toThrow("no more");
    expect(readdirSync(folder)).toEqual([]);
    await writeFolderAtomic(path, fill);
    await expect(writeFolderAtomic(path, fill)).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTEMPTY|EEXIST/),
    });
    expect(readdirSync(folder)).toEqual(["made"]);
  });
});

it("removes what crashed writers left, and nothing else", async () => {
  for (const name of [".a.tmp-12", ".b.tmp-12-0a1b2c", "a.tmp-12", ".hidden", "file"])
    writeFileSync(join(folder, name), "");
  mkdirSync(join(folder, ".folder.tmp-3"));
  await removeTemporaryFiles(folder);
  expect(readdirSync(folder).sort()).toEqual([".hidden", "a.tmp-12", "file"]);
  await removeTemporaryFiles(join(folder, "none"));
});

it.skipIf(process.getuid?.() === 0)("tells why a file cannot be written", async () => {
  chmodSync(folder, 0o500);
  await expect(writeFileAtomic(join(folder, "file.txt"), "text")).rejects.toMatchObject({ code: "EACCES" });
  chmodSync(folder, 0o700);
});
