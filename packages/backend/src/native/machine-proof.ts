/**
 * Remembers on which machines an install has been seen to work. A home folder shared by several machines may hold
 * libraries that kill the process on an older processor; so the first use on each machine is tried in a child process.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { NativeManifest } from "./manifest";
import type { NativeLayout } from "./native-folder";
import { findNvidia } from "./nvidia";
import { platformFacts } from "./platform-facts";

/** What makes two machines alike for a compiled library: processor, C library, NVIDIA driver. */
export function machineKey(): string {
  const { platform, arch, glibc } = platformFacts();
  const facts = [platform, arch, cpus()[0]?.model, glibc, findNvidia().driver];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16);
}

/** Where the proofs of an install are kept, beside its folder. */
export function proofFile(layout: NativeLayout): string {
  return `${layout.folder}.proven.json`;
}

function readProofs(layout: NativeLayout): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(proofFile(layout), "utf8"));
    return parsed !== null && typeof parsed === "object" ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** One value for all of an install's files. */
function fingerprint(manifest: NativeManifest): string {
  return createHash("sha256")
    .update(manifest.files.map(({ sha256 }) => sha256).join())
    .digest("hex");
}

/** Whether exactly this install has worked on a machine like this one. */
export function isProven(layout: NativeLayout, manifest: NativeManifest): boolean {
  return readProofs(layout)[machineKey()] === fingerprint(manifest);
}

/** Remembers that it works; does nothing where the folder is read-only. */
export function recordProof(layout: NativeLayout, manifest: NativeManifest): void {
  try {
    writeFileSync(
      proofFile(layout),
      `${JSON.stringify({ ...readProofs(layout), [machineKey()]: fingerprint(manifest) })}\n`,
    );
  } catch {
    // A read-only cache is legitimate (a container image); the trial is then repeated by each process.
  }
}
