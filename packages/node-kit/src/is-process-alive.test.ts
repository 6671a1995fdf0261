import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import { isProcessAlive } from "./is-process-alive";

afterEach(() => vi.restoreAllMocks());

describe("isProcessAlive", () => {
  it("tells a running process from one that has ended", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const pid = child.pid as number;
    expect(isProcessAlive(pid)).toBe(true);
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    expect(isProcessAlive(pid)).toBe(false);
  });

  it("counts a process that may not be signaled as alive", () => {
    vi.spyOn(process, "kill").mockImplementation(() => {
      throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    });
    expect(isProcessAlive(1)).toBe(true);
  });

  it("knows no process by a number that names none", () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31 - 1]) expect(isProcessAlive(pid)).toBe(false);
  });
});
