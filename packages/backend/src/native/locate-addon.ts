/** Which addon serves a native backend: one that `native install` made, or tfjs-node's own. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BackendError } from "../backend-error";
import { readManifest } from "./manifest";
import { nativeLayout, type Environment, type NativeVariant } from "./native-folder";
import { findNvidia } from "./nvidia";

const require = createRequire(import.meta.url);

/** The backends that an addon serves. */
export type NativeBackendName = "tensorflow" | "tensorflow-gpu";

/** An addon file, and the variant's folder if `native install` made it. */
export interface LocatedAddon {
  readonly addon: string;
  readonly folder?: string;
  /** Whether TensorFlow must not see a GPU. */
  readonly hideGpu?: boolean;
}

/** @throws BackendError that says why there is no addon for this backend, and how to get it */
export function locateAddon(backend: NativeBackendName, env: Environment = process.env): LocatedAddon {
  if (backend === "tensorflow-gpu") {
    const nvidia = findNvidia();
    if (nvidia.present) return locateVariant("cuda", env);
    throw new BackendError({
      what: "No NVIDIA GPU was found.",
      found: nvidia.reason,
      fix: "on a machine with an NVIDIA GPU and driver 525 or newer: npx v-triune native install --cuda",
    });
  }
  try {
    return locateVariant("cpu", env);
  } catch (noCpuBuild) {
    // The CUDA build computes on the CPU too.
    try {
      return { ...locateVariant("cuda", env), hideGpu: true };
    } catch {
      throw noCpuBuild;
    }
  }
}

function locateVariant(variant: NativeVariant, env: Environment): LocatedAddon {
  const layout = nativeLayout(variant, env);
  const command = variant === "cuda" ? "npx v-triune native install --cuda" : "npx v-triune native install";
  const state = readManifest(layout);
  if (state.state === "present") return { addon: layout.addon, folder: layout.folder };
  if (state.state === "broken") {
    throw new BackendError({
      what: "The native install is damaged.",
      where: layout.folder,
      found: state.reason,
      fix: `${command} (it replaces the damaged one)`,
    });
  }
  const stock = variant === "cpu" ? stockAddon() : undefined;
  if (stock !== undefined) return { addon: stock };
  throw new BackendError({ what: "Native TensorFlow is not installed.", where: layout.folder, fix: command });
}

/** The addon that tfjs-node's own install script made, on a machine where that once worked. */
function stockAddon(): string | undefined {
  try {
    const root = dirname(require.resolve("@tensorflow/tfjs-node/package.json"));
    const addon = join(root, "lib", "napi-v8", "tfjs_binding.node");
    return existsSync(addon) ? addon : undefined;
  } catch {
    return undefined;
  }
}
