/**
 * TensorFlow's libraries and headers out of its official wheels, through pip, so that the user's mirror, proxy and
 * certificates apply as they are configured for pip.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { NativeInstallError } from "../backend-error";
import { hashFile } from "../native/manifest";
import { libraryFileNames, type NativeVariant } from "../native/native-folder";
import { lastLines, runCommand } from "../run-command";

/**
 * What pip is asked for. The CPU-only wheel exists for x64 alone; elsewhere the plain one has no CUDA in it. The CUDA
 * build stays at 2.18.1: its "and-cuda" extra pins one exact set of NVIDIA wheels (CUDA 12.5, cuDNN 9.3, which has
 * kernels for Hopper), while later ones name open ranges.
 */
export function wheelRequirement(
  variant: NativeVariant,
  platform = process.platform,
  arch: string = process.arch,
): string {
  if (variant === "cuda") return "tensorflow==2.18.1";
  return platform === "linux" && arch === "x64" ? "tensorflow-cpu==2.21.0" : "tensorflow==2.21.0";
}

/** The platform tags pip may take, newest first. */
export function wheelPlatforms(platform = process.platform, arch: string = process.arch): readonly string[] {
  if (platform === "darwin") return ["macosx_12_0_arm64", "macosx_14_0_arm64"];
  const cpu = arch === "x64" ? "x86_64" : "aarch64";
  return [`manylinux_2_27_${cpu}`, `manylinux_2_17_${cpu}`, `manylinux2014_${cpu}`];
}

/** What the download and unpacking need. */
export interface WheelOptions {
  readonly python: string;
  readonly requirement: string;
  /** Where wheels are kept until the install is complete; a finished one there is not fetched again. */
  readonly downloads: string;
  /** More arguments for pip, for example ["--index-url", ..]. */
  readonly pipArguments?: readonly string[];
  readonly signal?: AbortSignal;
}

// Any interpreter's wheel holds the same libraries; 3.11 exists for both releases, whatever Python runs pip.
const TARGET = ["--only-binary", ":all:", "--implementation", "cp", "--python-version", "311"];

/**
 * Downloads a wheel with pip, unless it is there already.
 *
 * @returns its path
 * @throws NativeInstallError "download" | "disk"
 */
export async function downloadWheel(options: WheelOptions): Promise<string> {
  mkdirSync(options.downloads, { recursive: true });
  const present = findWheel(options.downloads, options.requirement);
  if (present !== undefined) return present;
  const platforms = wheelPlatforms().flatMap((tag) => ["--platform", tag]);
  const args = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", ...TARGET, ...platforms];
  const result = await runCommand(
    options.python,
    [...args, "--dest", options.downloads, ...(options.pipArguments ?? []), options.requirement],
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const wheel = findWheel(options.downloads, options.requirement);
  if (result.status === 0 && wheel !== undefined) return wheel;
  const found = lastLines(result);
  if (isFullDisk(found)) throw fullDisk(options.downloads, found);
  throw new NativeInstallError({
    code: "download",
    what: `pip could not download ${options.requirement}.`,
    where: `${options.python} -m pip download`,
    found,
    fix:
      "check the network and pip's index (pip config list) and run the command again, which goes on from what is " +
      "there; or use --library DIR",
  });
}

function findWheel(folder: string, requirement: string): string | undefined {
  const [name = "", version = ""] = requirement.split("==");
  const start = `${name.replaceAll("-", "_")}-${version}-`.toLowerCase();
  const file = existsSync(folder)
    ? readdirSync(folder).find((entry) => entry.toLowerCase().startsWith(start) && entry.endsWith(".whl"))
    : undefined;
  return file === undefined ? undefined : join(folder, file);
}

/** What was taken out of TensorFlow's wheel. */
export interface UnpackedWheel {
  readonly wheel: string;
  readonly wheelSha256: string;
  /** The folder to give the compiler with -I. */
  readonly include: string;
  /** pip requirements of the wheel's extra "and-cuda". */
  readonly cudaRequirements: readonly string[];
}

// zipfile compares each member's CRC as it is read, so a damaged wheel ends in BadZipFile, never in a damaged library.
const UNPACK = `
import json, os, shutil, sys, zipfile
wheel, libraries, include, names = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
try:
    with zipfile.ZipFile(wheel) as z:
        members = z.namelist()
        for name in names:
            found = [m for m in members if m == 'tensorflow/' + name]
            if not found:
                print(json.dumps({'missing': name})); sys.exit(0)
            target = os.path.join(libraries, name)
            with z.open(found[0]) as source, open(target, 'wb') as out: shutil.copyfileobj(source, out, 1 << 22)
            os.chmod(target, 0o755)
        prefix = 'tensorflow/include/'
        wanted = ('tensorflow/c/', 'tensorflow/core/platform/ctstring', 'tensorflow/tsl/platform/ctstring', 'tsl/platform/ctstring', 'xla/tsl/c/', 'tensorflow/compiler/xla/tsl/c/')
        for m in members:
            if m.startswith(prefix) and m.endswith('.h') and m[len(prefix):].startswith(wanted):
                target = os.path.join(include, *m[len(prefix):].split('/'))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with z.open(m) as source, open(target, 'wb') as out: shutil.copyfileobj(source, out)
        metadata = [m for m in members if m.endswith('.dist-info/METADATA')][0]
        requires = [line[len('Requires-Dist:'):].strip() for line in z.read(metadata).decode().splitlines() if line.startswith('Requires-Dist:')]
        print(json.dumps({'requires': requires}))
except (zipfile.BadZipFile, EOFError, OSError) as e:
    print(json.dumps({'broken': '%s: %s' % (type(e).__name__, e)}))
`;

/**
 * Takes the two libraries and the C API's headers out of a wheel.
 *
 * @throws NativeInstallError "wheel" when it is damaged (it is deleted, so that the next run fetches it again) | "disk"
 */
export async function unpackWheel(options: {
  readonly python: string;
  readonly wheel: string;
  readonly libraries: string;
  readonly include: string;
}): Promise<UnpackedWheel> {
  for (const folder of [options.libraries, options.include]) mkdirSync(folder, { recursive: true });
  const result = await runCommand(options.python, [
    "-c",
    UNPACK,
    options.wheel,
    options.libraries,
    options.include,
    ...libraryFileNames(),
  ]);
  const answer = parseAnswer(result.stdout);
  const fault =
    answer?.broken ?? (answer?.missing === undefined ? undefined : `it has no tensorflow/${answer.missing}`);
  if (result.status !== 0 || answer === undefined || fault !== undefined) {
    const found = fault ?? lastLines(result);
    if (isFullDisk(found)) throw fullDisk(options.libraries, found);
    rmSync(options.wheel, { force: true });
    throw new NativeInstallError({
      code: "wheel",
      what: "The downloaded wheel is damaged or holds something else.",
      where: options.wheel,
      expected: `a wheel with ${libraryFileNames().join(" and ")}`,
      found,
      fix: "run the command again: the wheel was deleted and will be downloaded again",
    });
  }
  return {
    wheel: basename(options.wheel),
    wheelSha256: await hashFile(options.wheel),
    include: options.include,
    cudaRequirements: cudaRequirements(answer.requires ?? []),
  };
}

function parseAnswer(text: string): { broken?: string; missing?: string; requires?: string[] } | undefined {
  try {
    return JSON.parse(text) as { broken?: string; missing?: string; requires?: string[] };
  } catch {
    return undefined;
  }
}

/**
 * The pip requirements of the extra "and-cuda" in a wheel's Requires-Dist lines. NCCL (several GPUs) is left out:
 * TensorFlow loads it only when asked for collective operations, which tfjs has none of.
 */
export function cudaRequirements(requires: readonly string[]): string[] {
  return requires
    .filter((line) => /extra\s*==\s*["']and-cuda["']/.test(line) && !line.startsWith("nvidia-nccl"))
    .map((line) => (line.split(";")[0] ?? "").trim().replace(/\s+/g, ""));
}

/**
 * Installs NVIDIA's wheels below `target` (they unpack to nvidia/<name>/lib).
 *
 * @throws NativeInstallError "download" | "disk"
 */
export async function installCudaWheels(options: {
  readonly python: string;
  readonly requirements: readonly string[];
  readonly target: string;
  readonly pipArguments?: readonly string[];
  readonly signal?: AbortSignal;
}): Promise<void> {
  const platforms = [...wheelPlatforms(), "manylinux1_x86_64"].flatMap((tag) => ["--platform", tag]);
  const args = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--no-cache-dir",
    "--upgrade",
    "--no-compile",
    ...TARGET,
    ...platforms,
  ];
  const result = await runCommand(
    options.python,
    [...args, "--target", options.target, ...(options.pipArguments ?? []), ...options.requirements],
    options.signal === undefined ? {} : { signal: options.signal },
  );
  if (result.status === 0) return;
  const found = lastLines(result);
  if (isFullDisk(found)) throw fullDisk(options.target, found);
  throw new NativeInstallError({
    code: "download",
    what: "pip could not install NVIDIA's CUDA wheels.",
    where: options.requirements.join(" "),
    found,
    fix: "check the network and pip's index (pip config list), then run the command again",
  });
}

function isFullDisk(text: string): boolean {
  return /No space left on device|ENOSPC|Errno 28/i.test(text);
}

function fullDisk(where: string, found: string): NativeInstallError {
  return new NativeInstallError({
    code: "disk",
    what: "The disk is full.",
    where,
    found,
    fix: "free space, or name a folder on another disk in V_TRIUNE_NATIVE_DIR; then run the command again",
  });
}
