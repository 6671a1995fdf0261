/**
 * Tries a native install in a child process before this process loads it, once per machine: a library compiled for
 * another processor kills the process that loads it.
 */
import type { ActivateOptions } from "./activate-backend";
import { BackendError } from "./backend-error";
import type { BackendName } from "./backend-name";
import { loadedNative } from "./native/load-native";
import { locateAddon } from "./native/locate-addon";
import { isProven, recordProof } from "./native/machine-proof";
import { readManifest } from "./native/manifest";
import { layoutOf } from "./native/native-folder";
import { TFJS_NODE_MISSING } from "./native/tfjs-node";
import { probeBackend } from "./probe/probe-backend";

/** @throws BackendError when there is no install for this backend, or it does not work on this machine */
export async function proveNative(backend: BackendName, { env }: ActivateOptions): Promise<void> {
  if (backend !== "tensorflow" && backend !== "tensorflow-gpu") return;
  if (loadedNative() !== undefined) return;
  const { addon, folder } = locateAddon(backend, env);
  if (folder === undefined) return;
  const layout = layoutOf(folder);
  const state = readManifest(layout);
  if (state.state !== "present" || isProven(layout, state.manifest)) return;
  const finding = await probeBackend({ backend, addon: { addon, folder } });
  if (finding.ok) return recordProof(layout, state.manifest);
  // Says nothing about the install; loading it here gives the error that tells how to get the package.
  if (finding.code === TFJS_NODE_MISSING) return;
  throw new BackendError({
    what: "The native install does not work on this machine.",
    where: folder,
    found: finding.reason,
    fix: "make it again on this machine: npx v-triune native install --force",
  });
}
