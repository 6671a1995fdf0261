/**
 * One function per backend that tries to make it usable in this process, and says in a BackendError why it is not and
 * how to get it. Nothing here chooses; `selectBackend` does.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "./backend-error";
import { findNvidia } from "./native/nvidia";
import { readManifest } from "./native/manifest";
import { loadedNative, loadNative, type LoadedNative } from "./native/load-native";
import { isProven, recordProof } from "./native/machine-proof";
import { layoutOf, nativeLayout, type Environment, type NativeVariant } from "./native/native-folder";
import { probeBackend } from "./probe";

const require = createRequire(import.meta.url);

/** A backend this package knows, fastest first. "tensorflow-gpu" and "tensorflow" are both tfjs backend "tensorflow". */
export type BackendName = "tensorflow-gpu" | "tensorflow" | "webgpu" | "wasm" | "cpu";

/** The order in which `auto` tries them; "cpu" is plain JavaScript, hundreds of times slower, and only ever last. */
export const BACKEND_ORDER: readonly BackendName[] = ["tensorflow-gpu", "tensorflow", "webgpu", "wasm", "cpu"];

/** What making a backend usable needs to know. */
export interface ActivateOptions {
  readonly threads?: number;
  readonly logs?: boolean;
  readonly env?: Environment;
  /** Load a native install even if it was never tried on this machine; for the child process that tries it. */
  readonly unproven?: boolean;
}

/** A backend that is registered with tfjs and works. */
export interface ActivatedBackend {
  /** The name to give `tf.setBackend`. */
  readonly tfjsName: string;
  /** One line for a person, e.g. "TensorFlow 2.21.0 on the CPU, 2 threads". */
  readonly description: string;
  readonly version: string;
}

/**
 * Registers a backend with tfjs in this process; the caller then sets it.
 *
 * @throws BackendError when it is not installed, not possible on this machine or broken; `parts.todo` says how to get it
 */
export async function activateBackend(name: BackendName, options: ActivateOptions = {}): Promise<ActivatedBackend> {
  switch (name) {
    case "tensorflow-gpu":
      return activateTensorflowGpu(options);
    case "tensorflow":
      return activateTensorflow(options);
    case "webgpu":
      throw new BackendError({
        // Tried and left out: docs/native.md has the numbers.
        what: "tfjs's WebGPU backend cannot read a tensor synchronously in Node, which training does",
        todo: "",
      });
    case "wasm":
      return activateWasm();
    case "cpu":
      return activateCpu();
  }
}

/** An addon file, and the variant's folder when `native install` made it. */
export interface LocatedAddon {
  readonly addon: string;
  readonly folder?: string;
}

/** The addon that would serve a variant, or the BackendError that says why there is none. */
export function locateAddon(variant: NativeVariant, env: Environment = process.env): LocatedAddon | BackendError {
  const layout = nativeLayout(variant, env);
  const command = variant === "cuda" ? "npx v-triune native install --cuda" : "npx v-triune native install";
  const state = readManifest(layout);
  if (state.state === "present") return { addon: layout.addon, folder: layout.folder };
  if (state.state === "broken") {
    return new BackendError({
      what: "The native install is damaged",
      where: layout.folder,
      found: state.reason,
      todo: `${command} (it replaces the damaged one)`,
    });
  }
  const stock = variant === "cpu" ? stockAddon() : undefined;
  if (stock !== undefined) return { addon: stock };
  return new BackendError({ what: "Native TensorFlow is not installed", where: layout.folder, todo: command });
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

async function activateTensorflowGpu(options: ActivateOptions): Promise<ActivatedBackend> {
  const nvidia = findNvidia();
  if (!nvidia.present) {
    throw new BackendError({
      what: "No NVIDIA GPU was found",
      found: nvidia.reason,
      todo: "On a machine with an NVIDIA GPU and driver 525 or newer: npx v-triune native install --cuda",
    });
  }
  const located = locateAddon("cuda", options.env);
  if (located instanceof BackendError) throw located;
  await prove("tensorflow-gpu", located, options);
  const native = loadNative({ ...located, ...nativeOptions(options) });
  if (!native.usesGpu) {
    throw new BackendError({
      what: "TensorFlow was loaded but does not use the GPU",
      found: driverComplaint(native.startupLog) ?? `driver ${nvidia.driver ?? "unknown"}; TensorFlow gave no reason`,
      todo: "The CUDA 12 libraries need driver 525 or newer; `npx v-triune doctor` shows TensorFlow's messages.",
    });
  }
  return {
    tfjsName: "tensorflow",
    description: `TensorFlow ${native.tensorflow} on ${nvidia.devices[0]?.name ?? "the GPU"} (CUDA)`,
    version: native.tensorflow,
  };
}

async function activateTensorflow(options: ActivateOptions): Promise<ActivatedBackend> {
  const native = loadedNative() ?? (await loadCpu(options));
  if (native.usesGpu) {
    throw new BackendError({
      what: "This process has already given TensorFlow the GPU",
      todo: 'Start a new process that asks for "tensorflow" first.',
    });
  }
  const threads = process.env["TF_NUM_INTRAOP_THREADS"];
  return {
    tfjsName: "tensorflow",
    description: `TensorFlow ${native.tensorflow} on the CPU${threads === undefined ? "" : `, ${threads} thread${threads === "1" ? "" : "s"}`}`,
    version: native.tensorflow,
  };
}

async function loadCpu(options: ActivateOptions): Promise<LoadedNative> {
  const cpu = locateAddon("cpu", options.env);
  if (!(cpu instanceof BackendError)) {
    await prove("tensorflow", cpu, options);
    return loadNative({ ...cpu, ...nativeOptions(options) });
  }
  // The CUDA build computes on the CPU too, if that is the only one here.
  const cuda = locateAddon("cuda", options.env);
  if (cuda instanceof BackendError) throw cpu;
  await prove("tensorflow", cuda, options);
  return loadNative({ ...cuda, ...nativeOptions(options), hideGpu: true });
}

/** Tries an install in a child process, once per machine. */
async function prove(
  backend: "tensorflow" | "tensorflow-gpu",
  located: LocatedAddon,
  options: ActivateOptions,
): Promise<void> {
  if (located.folder === undefined || options.unproven === true || loadedNative() !== undefined) return;
  const layout = layoutOf(located.folder);
  const state = readManifest(layout);
  if (state.state !== "present" || isProven(layout, state.manifest)) return;
  const finding = await probeBackend({ backend, addon: { addon: located.addon, folder: located.folder } });
  if (finding.ok) return recordProof(layout, state.manifest);
  throw new BackendError({
    what: "The native install does not work on this machine",
    where: located.folder,
    found: finding.reason,
    todo: "npx v-triune native install --force makes it anew on this machine.",
  });
}

function nativeOptions(options: ActivateOptions): { threads?: number; logs?: boolean } {
  return {
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.logs === undefined ? {} : { logs: options.logs }),
  };
}

/** The line of TensorFlow's start-up messages that tells why it left the GPU alone. */
export function driverComplaint(log: string): string | undefined {
  const line = log
    .split("\n")
    .find((text) =>
      /cuInit|CUDA driver version|Could not find cuda|Cannot dlopen|Could not load dynamic|no CUDA-capable|libcuda/i.test(
        text,
      ),
    );
  return line?.replace(/^\S+ [\d:. ]+\s*\d+ /, "").trim();
}

function activateWasm(): ActivatedBackend {
  const wasm = require("@tensorflow/tfjs-backend-wasm") as {
    setWasmPaths(prefix: string): void;
    version_wasm: string;
  };
  // The .wasm files lie beside the package's entry point; a path set after the start would be refused.
  if (tf.findBackend("wasm") === null || tf.engine().registry["wasm"] === undefined) {
    wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  }
  return { tfjsName: "wasm", description: `WebAssembly (SIMD), tfjs ${wasm.version_wasm}`, version: wasm.version_wasm };
}

function activateCpu(): ActivatedBackend {
  const cpu = require("@tensorflow/tfjs-backend-cpu") as { version_cpu: string };
  return {
    tfjsName: "cpu",
    description: `plain JavaScript (for tests), tfjs ${cpu.version_cpu}`,
    version: cpu.version_cpu,
  };
}
