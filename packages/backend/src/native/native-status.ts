/** `v-triune native verify` and `native uninstall`. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NativeInstallError } from "../backend-error";
import { probeBackend } from "../probe";
import { hashFile, readManifest, type NativeManifest } from "./manifest";
import { proofFile } from "./machine-proof";
import { nativeLayout, nativeRoot, variantFolderName, type Environment, type NativeVariant } from "./native-folder";

/** The state of one variant's install. */
export interface NativeStatus {
  readonly variant: NativeVariant;
  readonly folder: string;
  readonly state: "absent" | "sound" | "broken";
  /** What is wrong, one sentence each; empty unless broken. */
  readonly problems: readonly string[];
  readonly manifest?: NativeManifest;
  /** Whether TensorFlow took a GPU when it was tried. */
  readonly usesGpu?: boolean;
}

/**
 * Checks an install thoroughly: every file against its recorded hash, then loads it in a process of its own.
 * Reads some 600 MiB (about two seconds).
 */
export async function verifyNative(
  options: { readonly cuda?: boolean; readonly env?: Environment } = {},
): Promise<NativeStatus> {
  const variant: NativeVariant = options.cuda === true ? "cuda" : "cpu";
  const layout = nativeLayout(variant, options.env);
  const base = { variant, folder: layout.folder };
  const state = readManifest(layout);
  if (state.state === "absent") return { ...base, state: "absent", problems: [] };
  if (state.state === "broken") return { ...base, state: "broken", problems: [state.reason] };
  const { manifest } = state;
  const problems: string[] = [];
  for (const file of manifest.files) {
    const found = await hashFile(join(layout.folder, file.path));
    if (found !== file.sha256) {
      const hint =
        manifest.origin.kind === "library" ? ` (was the TensorFlow in ${manifest.origin.folder} changed?)` : "";
      problems.push(
        `${file.path} has changed since the install: its SHA-256 is ${found}, recorded was ${file.sha256}${hint}`,
      );
    }
  }
  if (problems.length > 0) return { ...base, state: "broken", problems, manifest };
  const finding = await probeBackend({
    backend: variant === "cuda" ? "tensorflow-gpu" : "tensorflow",
    addon: { addon: layout.addon, folder: layout.folder },
  });
  if (!finding.ok) return { ...base, state: "broken", problems: [finding.reason], manifest };
  return { ...base, state: "sound", problems: [], manifest, usesGpu: finding.usesGpu };
}

/**
 * Removes an install and whatever a broken-off one left; both variants unless one is named.
 *
 * @returns what was removed
 * @throws NativeInstallError "foreign" for a folder in that place that this command did not make, unless forced
 */
export function uninstallNative(
  options: { readonly variant?: NativeVariant; readonly force?: boolean; readonly env?: Environment } = {},
): string[] {
  const removed: string[] = [];
  for (const variant of options.variant === undefined ? (["cpu", "cuda"] as const) : [options.variant]) {
    const layout = nativeLayout(variant, options.env);
    if (options.force !== true && existsSync(layout.folder) && !existsSync(layout.manifest)) {
      throw new NativeInstallError("foreign", {
        what: "This folder was not made by the native install, so it is left alone",
        where: layout.folder,
        expected: "an install.json in it",
        todo: "Delete it yourself, or repeat the command with --force.",
      });
    }
    const base = join(nativeRoot(options.env), variantFolderName(variant));
    for (const folder of [base, `${base}.partial`, `${base}.old`, proofFile(layout)]) {
      if (!existsSync(folder)) continue;
      rmSync(folder, { recursive: true, force: true });
      removed.push(folder);
    }
  }
  return removed;
}
