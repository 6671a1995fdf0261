/**
 * Where the native TensorFlow lives: outside node_modules, because `npm ci` empties that, and shared by every clone and
 * every Node version of this user (the addon speaks Node-API 8, which does not change between Node releases).
 *
 *     <root>/linux-x64-cpu/            one variant, complete or absent (renamed into place when finished)
 *       install.json                   what it is made of: versions, origin, the hash of each file
 *       lib/napi-v8/tfjs_binding.node  the addon, compiled here
 *       lib/napi-v8/stderr_guard.node  keeps TensorFlow's start-up messages off the terminal
 *       deps/lib/libtensorflow_*       from TensorFlow's wheel
 *       deps/nvidia/<name>/lib         CUDA, cuda variant only, where the wheel's own run path looks for it
 *     <root>/linux-x64-cpu.partial/    an install under way or broken off; the next one goes on from it
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Which TensorFlow a folder holds. */
export type NativeVariant = "cpu" | "cuda";

/** The environment's variables that this package reads; `process.env` has this type. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder of all native installs: `V_TRIUNE_NATIVE_DIR`, else `v-triune/native` in the user's cache folder
 * (`XDG_CACHE_HOME` or ~/.cache; ~/Library/Caches on a Mac).
 */
export function nativeRoot(env: Environment = process.env): string {
  if (env["V_TRIUNE_NATIVE_DIR"]) return resolve(env["V_TRIUNE_NATIVE_DIR"]);
  const cache =
    env["XDG_CACHE_HOME"] ||
    (process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache"));
  return join(cache, "v-triune", "native");
}

/** The files of one variant's folder. Paths are absolute. */
export interface NativeLayout {
  readonly folder: string;
  readonly manifest: string;
  readonly addon: string;
  readonly guard: string;
  readonly libraries: string;
  readonly nvidia: string;
}

/** The name of a variant's folder under the root, for example "linux-x64-cpu". */
export function variantFolderName(variant: NativeVariant): string {
  return `${process.platform}-${process.arch}-${variant}`;
}

/** The layout of a folder that holds, or is to hold, one variant. */
export function layoutOf(folder: string): NativeLayout {
  const addonFolder = join(folder, "lib", "napi-v8");
  return {
    folder,
    manifest: join(folder, "install.json"),
    addon: join(addonFolder, "tfjs_binding.node"),
    guard: join(addonFolder, "stderr_guard.node"),
    libraries: join(folder, "deps", "lib"),
    nvidia: join(folder, "deps", "nvidia"),
  };
}

/** The layout of an installed variant. */
export function nativeLayout(variant: NativeVariant, env: Environment = process.env): NativeLayout {
  return layoutOf(join(nativeRoot(env), variantFolderName(variant)));
}

/** The file names of TensorFlow's two libraries, in the order in which the addon needs them. */
export function libraryFileNames(
  platform: NodeJS.Platform = process.platform,
): readonly [cc: string, framework: string] {
  return platform === "darwin"
    ? ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"]
    : ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
}
