import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { removeTemporaryFiles } from "@v-triune/node-kit/atomic-write";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolveTrainingConfig } from "../config/load-training-config";
import { RunFolderError } from "./run-folder-error";
import { WriteError } from "@v-triune/errors";
import { listCheckpointSteps, openRunFolder, readRunDescription, stepOfName } from "./run-folder";
import { takeRunLock } from "./run-lock";
import { writeFileAtomic, writeFolderAtomic } from "./write-file-atomic";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "v-triune-run-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const options = (name = "mine") => ({
  config: resolveTrainingConfig(
    { model: "m", data: { train: "d" }, run: { name, folder: join(folder, name) } },
    folder,
  ),
  backend: "wasm",
  versions: { "v-triune": "0.1.0" },
});

/** Makes the next write to any file fail as a full disk does. */
async function fillDisk(): Promise<void> {
  const probe = await open(join(folder, "probe"), "w");
  const prototype = Object.getPrototypeOf(probe) as { writeFile: () => Promise<void> };
  await probe.close();
  rmSync(join(folder, "probe"));
  vi.spyOn(prototype, "writeFile").mockRejectedValueOnce(
    Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }),
  );
}

describe("openRunFolder", () => {
  it("describes the run and names its files", async () => {
    const run = await openRunFolder(options());
    expect(run.checkpointPath(12)).toBe(join(folder, "mine/checkpoints/step-000012"));
    expect(run.rolloutsPath(1234567)).toBe(join(folder, "mine/rollouts/step-1234567.parquet"));
    const description = await readRunDescription(run.path);
    expect(description).toMatchObject({ format: 1, name: "mine", seed: 42, backend: "wasm" });
    expect(resolveTrainingConfig(description.config as never, "/").rollout.n).toBe(8);
    await run.close();
    expect(readdirSync(run.path)).toEqual(["run.json"]);
  });

  it("refuses a folder that holds another run and leaves it as it is", async () => {
    await (await openRunFolder(options())).close();
    writeFileSync(join(folder, "mine/metrics.jsonl"), "{}\n");
    const before = readFileSync(join(folder, "mine/run.json"), "utf8");
    await expect(openRunFolder(options())).rejects.toThrow(
      /holds another run[\s\S]*without a checkpoint[\s\S]*--resume/,
    );
    rmSync(join(folder, "mine/metrics.jsonl"));
    mkdirSync(join(folder, "mine/checkpoints/step-000003"), { recursive: true });
    await expect(openRunFolder(options())).rejects.toThrow(/checkpoint of step 3/);
    expect(readdirSync(join(folder, "mine")).sort()).toEqual(["checkpoints", "run.json"]);
    expect(readFileSync(join(folder, "mine/run.json"), "utf8")).toBe(before);
  });

  it("takes the folder of a run that failed before it began", async () => {
    await (await openRunFolder(options())).close();
    mkdirSync(join(folder, "mine/checkpoints"));
    const changed = { ...options(), backend: "other" };
    await (await openRunFolder(changed)).close();
    expect((await readRunDescription(join(folder, "mine"))).backend).toBe("other");
  });

  it("replaces a run that saved no checkpoint when it is told to, and nothing else", async () => {
    await (await openRunFolder(options())).close();
    const run = join(folder, "mine");
    for (const name of ["metrics.jsonl", "metrics.csv", "eval-bench.jsonl", "events.out.tfevents.1.host.2.v-triune"])
      writeFileSync(join(run, name), "old");
    mkdirSync(join(run, "rollouts"));
    writeFileSync(join(run, "rollouts/step-000001.parquet"), "old");
    await expect(openRunFolder(options())).rejects.toThrow(/replace it with --overwrite/);
    writeFileSync(join(run, "thesis.tex"), "");
    await expect(openRunFolder({ ...options(), overwrite: true })).rejects.toThrow(
      /without a checkpoint, and thesis\.tex[\s\S]*remove these/,
    );
    expect(readFileSync(join(run, "metrics.jsonl"), "utf8")).toBe("old");
    rmSync(join(run, "thesis.tex"));
    const opened = await openRunFolder({ ...options(), backend: "other", overwrite: true });
    expect(readdirSync(run).sort()).toEqual(["run.json", "run.lock"]);
    // A live run is not replaced.
    writeFileSync(join(run, "metrics.jsonl"), "new");
    await expect(openRunFolder({ ...options(), overwrite: true })).rejects.toThrow(/Another trainer/);
    await opened.close();
    expect((await readRunDescription(run)).backend).toBe("other");
    mkdirSync(join(run, "checkpoints/step-000002.damaged"), { recursive: true });
    await expect(openRunFolder({ ...options(), overwrite: true })).rejects.toThrow(/checkpoint, step-000002.damaged/);
    mkdirSync(join(run, "checkpoints/step-000003"));
    await expect(openRunFolder({ ...options(), overwrite: true })).rejects.toThrow(
      /checkpoint of step 3[\s\S]*remove the folder/,
    );
    expect(readFileSync(join(run, "metrics.jsonl"), "utf8")).toBe("new");
  });

  it("refuses a folder with other files, and a file in its place", async () => {
    mkdirSync(join(folder, "mine"));
    writeFileSync(join(folder, "mine/thesis.tex"), "");
    await expect(openRunFolder(options())).rejects.toThrow(/not empty[\s\S]*thesis\.tex/);
    writeFileSync(join(folder, "file"), "");
    await expect(openRunFolder(options("file"))).rejects.toThrow(/a file has its name/);
    await expect(openRunFolder(options("file/below"))).rejects.toThrow(RunFolderError);
  });

  it("resumes the run that is there, and only that", async () => {
    await expect(openRunFolder({ ...options(), resume: true })).rejects.toThrow(/holds no run/);
    await (await openRunFolder(options())).close();
    mkdirSync(join(folder, "mine/checkpoints/step-000010"), { recursive: true });
    mkdirSync(join(folder, "mine/checkpoints/step-000002"));
    mkdirSync(join(folder, "mine/checkpoints/.step-000012.tmp-1"));
    const run = await openRunFolder({ ...options(), resume: true });
    expect(await run.checkpointSteps()).toEqual([2, 10]);
    expect(existsSync(join(folder, "mine/checkpoints/.step-000012.tmp-1"))).toBe(false);
    await run.close();
    writeFileSync(join(folder, "mine/run.json"), "{");
    await expect(openRunFolder({ ...options(), resume: true })).rejects.toThrow(/not valid JSON/);
  });

  it("does not let a second trainer in", async () => {
    const run = await openRunFolder(options());
    await expect(openRunFolder({ ...options(), resume: true })).rejects.toThrow(/Another trainer[\s\S]*process \d+/);
    await run.close();
    await (await openRunFolder({ ...options(), resume: true })).close();
  });

  it("is free again when the disk was full", async () => {
    await fillDisk();
    await expect(openRunFolder(options())).rejects.toThrow(WriteError);
    const run = await openRunFolder(options());
    await run.close();
  });
});

describe("takeRunLock", () => {
  const lockFile = (): string => join(folder, "run.lock");

  it("takes over from a process that is gone", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(lockFile(), JSON.stringify({ pid, host: hostname(), processStart: null, since: "" }));
    await (await takeRunLock(folder)).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(process.platform === "linux")("takes over when the id belongs to another process now", async () => {
    writeFileSync(lockFile(), JSON.stringify({ pid: process.pid, host: hostname(), processStart: "1", since: "" }));
    await (await takeRunLock(folder)).release();
  });

  it("takes over a lock that says nothing", async () => {
    writeFileSync(lockFile(), "");
    await (await takeRunLock(folder)).release();
  });

  it("respects a living process and another machine", async () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    try {
      writeFileSync(
        lockFile(),
        JSON.stringify({ pid: child.pid, host: hostname(), processStart: null, since: "noon" }),
      );
      await expect(takeRunLock(folder)).rejects.toThrow(/since noon/);
      writeFileSync(lockFile(), JSON.stringify({ pid: 1, host: "elsewhere", processStart: null, since: "" }));
      await expect(takeRunLock(folder)).rejects.toThrow(/remove .*run\.lock/);
    } finally {
      child.kill();
    }
  });

  it("is given to one of many that ask at once", async () => {
    writeFileSync(lockFile(), "");
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => takeRunLock(folder)));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("writeFileAtomic", () => {
  it("writes text, bytes and parts", async () => {
    await writeFileAtomic(join(folder, "a/b.txt"), "text");
    await writeFileAtomic(join(folder, "c"), [new Uint8Array([1]), new Uint8Array([2, 3])]);
    expect(readFileSync(join(folder, "a/b.txt"), "utf8")).toBe("text");
    expect([...readFileSync(join(folder, "c"))]).toEqual([1, 2, 3]);
  });

  it("keeps the old file and leaves nothing behind when the disk is full", async () => {
    const path = join(folder, "state.json");
    await writeFileAtomic(path, "old");
    await fillDisk();
    const error: unknown = await writeFileAtomic(path, "new").catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(WriteError);
    expect((error as Error).message).toBe(
      `A file can't be written. What was saved before is untouched.\n  where:    ${path}\n` +
        `  found:    the disk is full (ENOSPC)\n  fix:      free some space, or choose a folder on another disk`,
    );
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["state.json"]);
  });

  it("keeps the old file when the parts fail", async () => {
    const path = join(folder, "weights");
    await writeFileAtomic(path, "old");
    async function* parts(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      throw new Error("tensor gone");
    }
    await expect(writeFileAtomic(path, parts())).rejects.toThrow("tensor gone");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["weights"]);
  });
});

describe("writeFolderAtomic", () => {
  it("shows the folder when it is full, and not before", async () => {
    const path = join(folder, "checkpoints/step-000001");
    await writeFolderAtomic(path, async (temporary) => {
      writeFileSync(join(temporary, "model"), "x");
      mkdirSync(join(temporary, "sub"));
      writeFileSync(join(temporary, "sub/file"), "y");
      expect(await listCheckpointSteps(folder)).toEqual([]);
    });
    expect(await listCheckpointSteps(folder)).toEqual([1]);
    expect(readFileSync(join(path, "sub/file"), "utf8")).toBe("y");
    await expect(writeFolderAtomic(path, async () => {})).rejects.toThrow(/exists already/);
    expect(readFileSync(join(path, "model"), "utf8")).toBe("x");
  });

  it("leaves nothing when filling it fails", async () => {
    await expect(writeFolderAtomic(join(folder, "x"), async () => Promise.reject(new Error("no")))).rejects.toThrow(
      "no",
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("names", () => {
  it("tells steps from other names", () => {
    expect(stepOfName("step-000012")).toBe(12);
    expect(stepOfName("step-000012.parquet")).toBe(12);
    expect(stepOfName(".step-000012.tmp-3")).toBeUndefined();
    expect(stepOfName("step-12")).toBeUndefined();
  });

  it("clears temporary files only", async () => {
    writeFileSync(join(folder, ".a.tmp-12"), "");
    writeFileSync(join(folder, "a.tmp-12"), "");
    await removeTemporaryFiles(folder);
    expect(readdirSync(folder)).toEqual(["a.tmp-12"]);
  });
});
