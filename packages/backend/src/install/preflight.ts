/** What an install needs of this machine, checked before anything is downloaded. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { briefReason, NativeInstallError } from "../backend-error";
import { formatBytes } from "../out-of-memory";
import { findNvidia, OLDEST_CUDA12_DRIVER, type NvidiaState } from "../native/nvidia";
import type { Environment, NativeVariant } from "../native/native-folder";
import { platformFacts, type PlatformFacts } from "../native/platform-facts";
import { INSTALL_TFJS_NODE, TFJS_NODE_MISSING } from "../native/tfjs-node";

const require = createRequire(import.meta.url);

/** The oldest C library that TensorFlow's wheels (manylinux_2_27) run on. */
export const OLDEST_GLIBC = "2.27";

const MEBIBYTE = 1 << 20;

/** Room for the wheel, its unpacked libraries before stripping and the addon. */
const ROOM: Readonly<Record<NativeVariant, number>> = { cpu: 1_500 * MEBIBYTE, cuda: 12_000 * MEBIBYTE };

/** The programs an install would use, or undefined where they are missing. */
export interface NativeTools {
  /** "python3" or "python", with its version. */
  readonly python: { readonly command: string; readonly version: string } | undefined;
  /** pip's version, as a module of that Python. */
  readonly pip: string | undefined;
  /** A C++17 compiler, with the first line of its --version. */
  readonly compiler: { readonly command: string; readonly version: string } | undefined;
}

/** Whether `v-triune native install` could work here. */
export interface NativeAvailability extends NativeTools {
  readonly available: boolean;
  /** What stands in the way, one short sentence each; empty when available. */
  readonly missing: readonly string[];
}

/**
 * Looks for Python, pip, a compiler and tfjs-node and at the platform, without installing anything (well under a
 * second), so that `npm start` can offer the native backend in one line.
 */
export function nativeInstallAvailable(env: Environment = process.env): NativeAvailability {
  const missing: string[] = [];
  try {
    checkPlatform();
  } catch (error) {
    missing.push(briefReason(error as NativeInstallError));
  }
  const tools = findTools(env);
  if (tools.python === undefined) missing.push("Python 3 is missing");
  else if (tools.pip === undefined) missing.push("pip is missing");
  if (tools.compiler === undefined) missing.push("a C++ compiler (g++) is missing");
  if (tfjsNodeManifest() === undefined) missing.push(`@tensorflow/tfjs-node is missing (${INSTALL_TFJS_NODE})`);
  return { ...tools, available: missing.length === 0, missing };
}

/** Looks for the programs. `V_TRIUNE_PYTHON` and `CXX` name others than python3 and g++. */
export function findTools(env: Environment = process.env): NativeTools {
  const pythonNames = env["V_TRIUNE_PYTHON"] ? [env["V_TRIUNE_PYTHON"]] : ["python3", "python"];
  let python: NativeTools["python"];
  for (const command of pythonNames) {
    const version = /^Python (3\.\d+\S*)/.exec(output(command, ["--version"], env))?.[1];
    if (version === undefined) continue;
    python = { command, version };
    break;
  }
  const pip =
    python === undefined ? undefined : /^pip (\S+)/.exec(output(python.command, ["-m", "pip", "--version"], env))?.[1];
  return { python, pip, compiler: findCompiler(env) };
}

function findCompiler(env: Environment): NativeTools["compiler"] {
  const compilers = env["CXX"] ? [env["CXX"]] : process.platform === "darwin" ? ["clang++"] : ["g++", "clang++"];
  for (const command of compilers) {
    const [line = ""] = output(command, ["--version"], env).split("\n");
    if (line !== "") return { command, version: line.trim() };
  }
  return undefined;
}

function output(command: string, args: readonly string[], env: Environment): string {
  const answer = spawnSync(command, args, { encoding: "utf8", timeout: 20_000, env: { ...env } });
  return answer.status === 0 ? answer.stdout : "";
}

/**
 * Refuses what TensorFlow's wheels cannot run on.
 *
 * @throws NativeInstallError "platform" | "glibc" | "cpu"
 */
export function checkPlatform(facts: PlatformFacts = platformFacts(), variant: NativeVariant = "cpu"): void {
  const here = `${facts.platform}-${facts.arch}`;
  const supported = ["linux-x64", "linux-arm64", "darwin-arm64"];
  const wasm = "use the wasm backend, which needs no install";
  if (!supported.includes(here)) {
    throw new NativeInstallError({
      code: "platform",
      what: `There is no native TensorFlow for ${here}.`,
      expected: "Linux on x64 or arm64, or macOS on Apple silicon",
      found: here,
      fix: facts.platform === "win32" ? `install it inside WSL 2, or ${wasm}` : wasm,
    });
  }
  if (variant === "cuda" && here !== "linux-x64") {
    throw new NativeInstallError({
      code: "platform",
      what: "The CUDA build is for Linux on x64.",
      found: here,
      fix: "npx v-triune native install (without --cuda)",
    });
  }
  if (facts.platform !== "linux") return;
  if (facts.glibc === undefined) {
    throw new NativeInstallError({
      code: "glibc",
      what: "TensorFlow's libraries need the GNU C library.",
      expected: `glibc ${OLDEST_GLIBC} or newer`,
      found: "another C library (musl, as in Alpine)",
      fix: `use a Debian-based image, for example node:20-bookworm, or ${wasm}`,
    });
  }
  if (compareVersions(facts.glibc, OLDEST_GLIBC) < 0) {
    throw new NativeInstallError({
      code: "glibc",
      what: "This system's C library is too old for TensorFlow.",
      expected: `glibc ${OLDEST_GLIBC} or newer`,
      found: `glibc ${facts.glibc}`,
      fix: `use a newer distribution or a container, or ${wasm}`,
    });
  }
  if (facts.arch === "x64" && facts.cpuFlags !== undefined && !facts.cpuFlags.has("avx")) {
    throw new NativeInstallError({
      code: "cpu",
      what: "This processor lacks AVX, which TensorFlow's wheels are compiled for.",
      where: "/proc/cpuinfo",
      fix: wasm,
    });
  }
}

/** Compares dotted version numbers: negative, zero or positive, as for sort. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0)) as [
    number[],
    number[],
  ];
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Refuses a driver that the CUDA 12 libraries cannot work with. A machine without any GPU is let through: images are
 * built on such machines.
 *
 * @throws NativeInstallError "driver"
 */
export function checkDriver(state: NvidiaState = findNvidia()): void {
  if (state.driver === undefined || compareVersions(state.driver, String(OLDEST_CUDA12_DRIVER)) >= 0) return;
  throw new NativeInstallError({
    code: "driver",
    what: "The NVIDIA driver is too old for the CUDA 12 libraries.",
    expected: `driver ${OLDEST_CUDA12_DRIVER} or newer`,
    found: `driver ${state.driver}`,
    fix: "update the driver (no CUDA toolkit is needed), or install without --cuda",
  });
}

/**
 * The tools, with a clear refusal for each that is missing.
 *
 * @param needsPip whether something has to be downloaded
 * @throws NativeInstallError "python" | "pip" | "compiler"
 */
export function requireTools(needsPip: boolean, env: Environment = process.env): NativeTools {
  const tools = needsPip ? findTools(env) : { python: undefined, pip: undefined, compiler: findCompiler(env) };
  if (needsPip && tools.python === undefined) {
    throw new NativeInstallError({
      code: "python",
      what: "Python 3 was not found; its pip downloads TensorFlow's wheel.",
      expected: "python3 on the PATH, or its path in V_TRIUNE_PYTHON",
      fix: "apt-get install python3 python3-pip (Debian, Ubuntu), or --library DIR with a TensorFlow you have",
    });
  }
  if (needsPip && tools.pip === undefined) {
    throw new NativeInstallError({
      code: "pip",
      what: "This Python has no pip.",
      where: `${tools.python?.command} ${tools.python?.version}`,
      fix: "apt-get install python3-pip (Debian, Ubuntu), or python3 -m ensurepip --user",
    });
  }
  if (tools.compiler === undefined) {
    throw new NativeInstallError({
      code: "compiler",
      what: "No C++ compiler was found.",
      expected: "g++ or clang++ with C++17 on the PATH, or its path in CXX",
      fix:
        process.platform === "darwin"
          ? "xcode-select --install"
          : "apt-get install g++ (Debian, Ubuntu), or dnf install gcc-c++ (Fedora)",
    });
  }
  return tools;
}

/** Refuses to start where the disk has too little room. @throws NativeInstallError "disk" | "permission" */
export function checkRoom(folder: string, variant: NativeVariant): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new NativeInstallError({
      code: "permission",
      what: "The folder for the native install cannot be made.",
      where: folder,
      found: (error as Error).message,
      fix: "name one that you can write to in V_TRIUNE_NATIVE_DIR, and keep it set when you use v-triune",
      cause: error,
    });
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= ROOM[variant]) return;
  throw new NativeInstallError({
    code: "disk",
    what: "There is too little room on the disk.",
    where: folder,
    expected: `${formatBytes(ROOM[variant])} free while installing`,
    found: `${formatBytes(free)} free`,
    fix: "free space, or name a folder on another disk in V_TRIUNE_NATIVE_DIR",
  });
}

/** The folder of tfjs-node's sources. @throws NativeInstallError "tfjs-node" */
export function findTfjsNode(): { folder: string; version: string } {
  const manifest = tfjsNodeManifest();
  if (manifest === undefined) {
    throw new NativeInstallError({
      code: TFJS_NODE_MISSING,
      what: "The package @tensorflow/tfjs-node, whose sources the addon is compiled from, is not installed.",
      fix: `${INSTALL_TFJS_NODE} (it is an optional dependency of v-triune)`,
    });
  }
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { folder: dirname(manifest), version };
}

function tfjsNodeManifest(): string | undefined {
  try {
    return require.resolve("@tensorflow/tfjs-node/package.json");
  } catch {
    return undefined;
  }
}

/** A folder with node_api.h: Node's own, else npm's node-api-headers. @throws NativeInstallError "headers" */
export function findNodeApiHeaders(): { folder: string; description: string } {
  const own = [
    join(dirname(dirname(process.execPath)), "include", "node"),
    resolve("/usr/include/node"),
    resolve("/usr/local/include/node"),
  ].find((folder) => existsSync(join(folder, "node_api.h")));
  if (own !== undefined) return { folder: own, description: own };
  try {
    const manifest = require.resolve("node-api-headers/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    return { folder: join(dirname(manifest), "include"), description: `node-api-headers ${version}` };
  } catch (cause) {
    throw new NativeInstallError({
      code: "headers",
      what: "node_api.h was not found.",
      expected: "Node's include folder or the package node-api-headers",
      fix: "npm install node-api-headers",
      cause,
    });
  }
}
