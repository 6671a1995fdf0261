/** `install.json`: what a native install is made of, so that a broken, changed or foreign one is recognized. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, lstatSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { NativeLayout, NativeVariant } from "./native-folder";

/** One file of the install; `path` is relative to the variant's folder, with forward slashes. */
export interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where TensorFlow's libraries came from. */
export type LibraryOrigin =
  | { readonly kind: "wheel"; readonly requirement: string; readonly file: string; readonly sha256: string }
  | { readonly kind: "library"; readonly folder: string };

/** The contents of `install.json`. */
export interface NativeManifest {
  readonly format: 1;
  readonly variant: NativeVariant;
  readonly platform: string;
  readonly arch: string;
  /** The TensorFlow version that the loaded library itself reported. */
  readonly tensorflow: string;
  readonly tfjsNode: string;
  readonly origin: LibraryOrigin;
  readonly stripped: boolean;
  readonly compiler: string;
  readonly node: string;
  /** The Node-API headers the addon was compiled with. */
  readonly headers: string;
  /** The mangled name of Abseil's SetMinLogLevel in libtensorflow_framework; absent where it was not found. */
  readonly logLevelSymbol?: string;
  /** The CUDA wheels beside it, as pip requirements; empty for the cpu variant. */
  readonly cudaWheels: readonly string[];
  readonly files: readonly ManifestFile[];
}

/** What `readManifest` found. */
export type ManifestState =
  | { readonly state: "absent" }
  | { readonly state: "broken"; readonly reason: string }
  | { readonly state: "present"; readonly manifest: NativeManifest };

/**
 * Reads a variant's manifest and checks, without hashing, that each file is there and has the recorded size. A folder
 * without a manifest, a manifest of another format or machine and a missing or resized file are "broken".
 */
export function readManifest(layout: NativeLayout): ManifestState {
  if (!existsSync(layout.folder)) return { state: "absent" };
  if (!existsSync(layout.manifest)) {
    return {
      state: "broken",
      reason: `${layout.folder} has no install.json: it was not made by "v-triune native install"`,
    };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(layout.manifest, "utf8"));
  } catch (error) {
    return { state: "broken", reason: `${layout.manifest} cannot be read: ${(error as Error).message}` };
  }
  const manifest = parsed as Partial<NativeManifest> | null;
  if (manifest === null || typeof manifest !== "object" || manifest.format !== 1 || !Array.isArray(manifest.files)) {
    return { state: "broken", reason: `${layout.manifest} is not an install record of format 1` };
  }
  const machine = `${process.platform}-${process.arch}`;
  if (`${manifest.platform}-${manifest.arch}` !== machine) {
    return { state: "broken", reason: `it was made for ${manifest.platform}-${manifest.arch}, this is ${machine}` };
  }
  for (const file of manifest.files as ManifestFile[]) {
    const path = join(layout.folder, file.path);
    if (!existsSync(path)) return { state: "broken", reason: `${path} is missing${danglingLink(path)}` };
    const { size } = statSync(path);
    if (size !== file.bytes) {
      return { state: "broken", reason: `${path} has ${size} bytes, the install recorded ${file.bytes}` };
    }
  }
  return { state: "present", manifest: manifest as NativeManifest };
}

function danglingLink(path: string): string {
  const link = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return link ? " (its link leads nowhere: was the Python environment removed?)" : "";
}

/** The SHA-256 of a file, in hexadecimal, read as a stream. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 22 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Size and hash of files of a variant's folder, for its manifest. */
export async function recordFiles(folder: string, paths: readonly string[]): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of paths) {
    const full = join(folder, path);
    files.push({ path, bytes: statSync(full).size, sha256: await hashFile(full) });
  }
  return files;
}
