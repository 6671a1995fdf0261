/** `v-triune native verify` and `native uninstall`. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NativeInstallError } from "../backend-error";
import { probeBackend } from "../probe/probe-backend";
import { hashFile, readManifest, type NativeManifest } from "../native/manifest";
import { proofFile } from "../native/machine-proof";
import { INSTALL_TFJS_NODE, TFJS_NODE_MISSING } from "../native/tfjs-node";
import {
  nativeLayout,
  nativeRoot,
  variantFolderName,
  type Environment,
  type NativeVariant,
} from "../native/native-folder";

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
  /** The command that installs @tensorflow/tfjs-node, if the install is sound and only that package is missing. */
  readonly needs?: string;
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
  if (finding.ok) return { ...base, state: "sound", problems: [], manifest, usesGpu: finding.usesGpu };
  // TensorFlow and the addon were loaded by then: only the package with the kernels is missing.
  if (finding.code === TFJS_NODE_MISSING)
    return { ...base, state: "sound", problems: [], manifest, needs: INSTALL_TFJS_NODE };
  return { ...base, state: "broken", problems: [finding.reason], manifest };
}

/** The status as lines for a person. */
export function formatNativeStatus({ variant, folder, state, problems, manifest, needs }: NativeStatus): string {
  const install = `v-triune native install${variant === "cuda" ? " --cuda" : ""}`;
  const lines = {
    absent: [`Not installed: ${folder}`, `${install} installs it.`],
    sound: [
      `Works: TensorFlow ${manifest?.tensorflow} in ${folder}`,
      ...(needs === undefined ? [] : [`To use it here: ${needs}`]),
    ],
    broken: [`Broken: ${folder}`, ...problems.map((problem) => `  ${problem}`), `${install} --force fixes it.`],
  }[state];
  return `${lines.join("\n")}\n`;
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
      throw new NativeInstallError({
        code: "foreign",
        what: "This folder was not made by the native install, so it is left alone.",
        where: layout.folder,
        expected: "an install.json in it",
        fix: "delete it yourself, or repeat the command with --force",
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
