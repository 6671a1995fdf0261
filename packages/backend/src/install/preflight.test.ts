import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NativeInstallError } from "../backend-error";
import { parseNvidiaSmi } from "../native/nvidia";
import type { PlatformFacts } from "../native/platform-facts";
import {
  checkDriver,
  checkPlatform,
  checkRoom,
  compareVersions,
  findNodeApiHeaders,
  nativeInstallAvailable,
  requireTools,
} from "./preflight";

const debian: PlatformFacts = {
  platform: "linux",
  arch: "x64",
  glibc: "2.36",
  cpuFlags: new Set(["sse2", "avx", "avx2"]),
};

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NativeInstallError);
    // Every refusal says what to do.
    expect((error as NativeInstallError).fix?.length).toBeGreaterThan(10);
    return (error as NativeInstallError).code;
  }
  return "accepted";
}

describe("checkPlatform", () => {
  it.each<[string, Partial<PlatformFacts>, string]>([
    ["Debian 12 on x64", {}, "accepted"],
    ["arm64", { arch: "arm64", cpuFlags: new Set(["fp", "asimd"]) }, "accepted"],
    [
      "macOS on Apple silicon",
      { platform: "darwin", arch: "arm64", glibc: undefined, cpuFlags: undefined },
      "accepted",
    ],
    ["Windows", { platform: "win32", glibc: undefined }, "platform"],
    ["32-bit Linux", { arch: "ia32" }, "platform"],
    ["Alpine", { glibc: undefined }, "glibc"],
    ["CentOS 7", { glibc: "2.17" }, "glibc"],
    ["the oldest C library", { glibc: "2.27" }, "accepted"],
    ["a processor without AVX", { cpuFlags: new Set(["sse2"]) }, "cpu"],
  ])("%s", (_, facts, expected) => {
    expect(codeOf(() => checkPlatform({ ...debian, ...facts }))).toBe(expected);
  });

  it("offers CUDA on Linux x64 only", () => {
    expect(codeOf(() => checkPlatform(debian, "cuda"))).toBe("accepted");
    expect(codeOf(() => checkPlatform({ ...debian, arch: "arm64" }, "cuda"))).toBe("platform");
  });
});

describe("checkDriver", () => {
  it("refuses a driver older than CUDA 12's and lets a machine without GPU pass", () => {
    const smi = (driver: string): string => `NVIDIA H200, ${driver}, 143771, 9.0\n`;
    expect(codeOf(() => checkDriver(parseNvidiaSmi(smi("470.223.02"))))).toBe("driver");
    expect(codeOf(() => checkDriver(parseNvidiaSmi(smi("525.60.13"))))).toBe("accepted");
    expect(codeOf(() => checkDriver(parseNvidiaSmi("")))).toBe("accepted");
  });
});

it("reads nvidia-smi's answer", () => {
  expect(parseNvidiaSmi("NVIDIA H200, 550.54.15, 143771, 9.0\nTesla T4, 550.54.15, [N/A], [N/A]\n")).toEqual({
    present: true,
    reason: "",
    driver: "550.54.15",
    devices: [
      { name: "NVIDIA H200", memoryMiB: 143_771, computeCapability: "9.0" },
      { name: "Tesla T4", memoryMiB: undefined, computeCapability: undefined },
    ],
  });
});

it("compares versions by number, not by text", () => {
  expect(
    [compareVersions("2.9", "2.27"), compareVersions("2.27", "2.27.0"), compareVersions("550.54", "525")].map(
      Math.sign,
    ),
  ).toEqual([-1, 0, 1]);
});

describe("the tools", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "v-triune-tools-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const program = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };

  it("are refused one by one when missing", () => {
    const env = { PATH: folder };
    expect(codeOf(() => requireTools(true, env))).toBe("python");
    program("python3", 'if [ "$1" = --version ]; then echo Python 3.11.2; else exit 1; fi');
    expect(codeOf(() => requireTools(true, env))).toBe("pip");
    program("python3", 'if [ "$1" = --version ]; then echo Python 3.11.2; else echo "pip 23.0.1 from /usr"; fi');
    expect(codeOf(() => requireTools(true, env))).toBe("compiler");
    program("g++", "echo 'g++ (Debian 12.2.0) 12.2.0'");
    expect(requireTools(true, env)).toEqual({
      python: { command: "python3", version: "3.11.2" },
      pip: "23.0.1",
      compiler: { command: "g++", version: "g++ (Debian 12.2.0) 12.2.0" },
    });
    expect(nativeInstallAvailable(env).missing).toEqual([]);
  });

  it("need neither Python nor pip when nothing is downloaded", () => {
    program("g++", "echo g++ 12");
    expect(requireTools(false, { PATH: folder }).python).toBeUndefined();
  });

  it("are listed for npm start", () => {
    expect(nativeInstallAvailable({ PATH: folder })).toMatchObject({
      available: false,
      missing: ["Python 3 is missing", "a C++ compiler (g++) is missing"],
    });
  });

  it("refuse a folder that cannot be made", () => {
    writeFileSync(join(folder, "file"), "");
    expect(codeOf(() => checkRoom(join(folder, "file", "native"), "cpu"))).toBe("permission");
  });
});

it("finds node_api.h", () => {
  expect(findNodeApiHeaders().folder).toMatch(/include/);
});
