/**
 * Loads the native addon into this process and registers it as tfjs backend "tensorflow".
 *
 * `@tensorflow/tfjs-node`'s own entry point insists on an addon inside node_modules, which every `npm ci` empties. So
 * only its kernels (dist/register_all_kernels) and its backend class (dist/nodejs_kernel_backend) are taken from
 * node_modules, where they meet the workspace's one tfjs-core, and the addon comes from the native folder.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "../backend-error";
import { installNodeShims } from "../node-shims";
import { withOutOfMemory } from "../out-of-memory";
import { loadDecodeKernels, type DecodeKernelsState } from "./decode-kernels";
import { loadTrainingKernels, signalHolder, type SignalHolder, withSignalsHeld } from "./training-kernels";
import { widestInstructions } from "./widest-instructions";
import { readManifest } from "./manifest";
import { layoutOf, libraryFileNames, type NativeLayout } from "./native-folder";
import { oneDnnProduct, type ProductBinding } from "./one-dnn-product";
import { registerOptimizerKernels } from "./optimizer-kernels";
import { INSTALL_TFJS_NODE, TFJS_NODE_MISSING } from "./tfjs-node";

const require = createRequire(import.meta.url);

/** The part of the addon's exports that this package calls. */
interface NativeBinding extends ProductBinding {
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
  getNumOfTensors(): number;
}

interface StderrGuard {
  capture(path: string): boolean;
  release(): boolean;
  setMinLogLevel(library: string, symbol: string, level: number): boolean;
}

/** The addon as loaded in this process. */
export interface LoadedNative {
  readonly addon: string;
  readonly tensorflow: string;
  readonly usesGpu: boolean;
  /** What TensorFlow wrote to stderr while it was loaded; the place to look for driver complaints. */
  readonly startupLog: string;
  /** Whether v-triune's own kernels decode beside it. */
  readonly decoding: DecodeKernelsState;
  /** Whether v-triune's own kernels train beside it. */
  readonly training: DecodeKernelsState;
  /** Tensor handles that the addon holds now, for leak checks. */
  readonly handleCount: () => number;
}

/** How to load it. */
export interface LoadNativeOptions {
  /** The addon file (`tfjs_binding.node`). */
  readonly addon: string;
  /** The variant's folder, when the addon is one that `native install` made. */
  readonly folder?: string;
  /** Threads of one operation. Default: all cores. Takes effect at the first load in a process only. */
  readonly threads?: number;
  /** Let TensorFlow's own messages through. */
  readonly logs?: boolean;
  /** Hide every GPU from TensorFlow. */
  readonly hideGpu?: boolean;
}

// oxlint-disable-next-line v-triune/module-state -- a process can hold one libtensorflow
let loaded: LoadedNative | undefined;

/** The addon this process has loaded, if any. */
export function loadedNative(): LoadedNative | undefined {
  return loaded;
}

/**
 * Loads the addon and registers tfjs backend "tensorflow" (priority 3); does not make it the current backend.
 *
 * @throws BackendError when tfjs-node is not installed, the library does not load (missing file, old glibc, wrong
 *   architecture), this process already holds another one, or V_TRIUNE_INSTRUCTIONS names no instructions
 */
export function loadNative(options: LoadNativeOptions): LoadedNative {
  if (loaded !== undefined) {
    if (loaded.addon === options.addon) return loaded;
    throw new BackendError({
      what: "This process has already loaded another TensorFlow.",
      where: options.addon,
      found: loaded.addon,
      fix: "start a new process for the other one",
    });
  }
  widestInstructions();
  installNodeShims();
  setEnvironment(options);
  const layout = options.folder === undefined ? undefined : layoutOf(options.folder);
  const holder = signalHolder(layout);
  // TensorFlow's threads compute parts of products, and start here.
  const { binding, startupLog } = withSignalsHeld(holder, () => openAddon(options));
  const usesGpu = binding.isUsingGpuDevice();
  const decoding = loadDecodeKernels(layout, usesGpu);
  const training = loadTrainingKernels(layout, usesGpu, options.threads);
  registerBackend(binding, { decodeAddon: decoding.addon, trainingAddon: training.addon }, holder);
  loaded = {
    addon: options.addon,
    tensorflow: binding.TF_Version,
    usesGpu,
    startupLog,
    decoding: decoding.state,
    training: training.state,
    handleCount: () => binding.getNumOfTensors(),
  };
  return loaded;
}

function setEnvironment(options: LoadNativeOptions): void {
  const { env } = process;
  env["TF_CPP_MIN_LOG_LEVEL"] ??= options.logs === true ? "0" : "2";
  env["TF_FORCE_GPU_ALLOW_GROWTH"] ??= "true";
  if (options.hideGpu === true) env["CUDA_VISIBLE_DEVICES"] = "-1";
  if (options.threads !== undefined) {
    env["TF_NUM_INTRAOP_THREADS"] = String(options.threads);
    env["TF_NUM_INTEROP_THREADS"] ??= "1";
    env["OMP_NUM_THREADS"] = String(options.threads);
  }
}

function openAddon(options: LoadNativeOptions): { binding: NativeBinding; startupLog: string } {
  const layout = options.folder === undefined ? undefined : layoutOf(options.folder);
  const guard = layout === undefined || options.logs === true ? undefined : tryRequire<StderrGuard>(layout.guard);
  let binding: NativeBinding | undefined;
  const startupLog = capturingStderr(guard, () => {
    try {
      binding = require(options.addon) as NativeBinding;
    } catch (error) {
      throw loadError(error as Error, options.addon);
    }
    if (layout !== undefined) quieten(guard, layout);
  });
  return { binding: binding as unknown as NativeBinding, startupLog };
}

/** Runs a function while stderr goes to a file, and returns what was written there. */
function capturingStderr(guard: StderrGuard | undefined, run: () => void): string {
  if (guard === undefined) {
    run();
    return "";
  }
  const folder = mkdtempSync(join(tmpdir(), "v-triune-tf-"));
  const file = join(folder, "startup.log");
  try {
    const captured = guard.capture(file);
    try {
      run();
    } finally {
      if (captured) guard.release();
    }
    return captured ? readFileSync(file, "utf8") : "";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function quieten(guard: StderrGuard | undefined, layout: NativeLayout): void {
  const level = Number(process.env["TF_CPP_MIN_LOG_LEVEL"]);
  if (guard === undefined || !(level > 0)) return;
  const state = readManifest(layout);
  const symbol = state.state === "present" ? state.manifest.logLevelSymbol : undefined;
  if (symbol !== undefined) guard.setMinLogLevel(join(layout.libraries, libraryFileNames()[1]), symbol, level);
}

function tryRequire<T>(path: string): T | undefined {
  try {
    return require(path) as T;
  } catch {
    return undefined;
  }
}

function loadError(error: Error, addon: string): BackendError {
  const { message } = error;
  const glibc = /version `(GLIBC\w*_[\d.]+)' not found/.exec(message)?.[1];
  const fix =
    glibc !== undefined
      ? `use a newer distribution or container (this system's C library lacks ${glibc}), or the wasm backend`
      : /wrong ELF class|Exec format|incompatible architecture|invalid ELF header/i.test(message)
        ? "npx v-triune native uninstall, then native install: the files are damaged or for another architecture"
        : "run npx v-triune native verify, and npx v-triune native install again if it finds a fault";
  return new BackendError({
    what: "TensorFlow's native addon does not load.",
    where: addon,
    found: message,
    fix,
    cause: error,
  });
}

/** What the policy decodes and trains with, which finds it as `tf.backend().decodeAddon`, `.trainingAddon`. */
interface OwnAddons {
  readonly decodeAddon: object | undefined;
  readonly trainingAddon: object | undefined;
}

function registerBackend(binding: NativeBinding, addons: OwnAddons, holder: SignalHolder | undefined): void {
  let kernelBackend: { NodeJSKernelBackend: new (binding: NativeBinding, packageName: string) => tf.KernelBackend };
  try {
    const core = require("@tensorflow/tfjs-core") as typeof tf;
    if (core.engine() !== tf.engine()) {
      throw new BackendError({
        what: "Two copies of @tensorflow/tfjs-core are loaded, so that the native kernels would serve the wrong one.",
        where: require.resolve("@tensorflow/tfjs-core"),
        fix: "make the versions equal (4.22.0); npm ls @tensorflow/tfjs-core shows which package brings the second one",
      });
    }
    require("@tensorflow/tfjs-node/dist/register_all_kernels");
    kernelBackend = require("@tensorflow/tfjs-node/dist/nodejs_kernel_backend") as typeof kernelBackend;
  } catch (error) {
    if (error instanceof BackendError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND";
    throw new BackendError({
      what:
        "The package @tensorflow/tfjs-node, whose kernels the native backend uses, " +
        `${missing ? "is not installed" : "cannot be loaded"}.`,
      found: (error as Error).message.split("\n")[0],
      fix: INSTALL_TFJS_NODE,
      ...(missing ? { code: TFJS_NODE_MISSING } : {}),
      cause: error,
    });
  }
  const guarded = guardMemory(binding);
  // The class looks at the package name only to tell whether a CUDA build was meant.
  const create = (): tf.KernelBackend =>
    Object.assign(new kernelBackend.NodeJSKernelBackend(guarded, "@tensorflow/tfjs-node"), addons, {
      oneDnnProduct: binding.isUsingGpuDevice() ? undefined : oneDnnProduct(guarded, holder),
    });
  tf.registerBackend("tensorflow", create, 3);
  if (addons.trainingAddon) registerOptimizerKernels();
}

/** The same binding, whose failures for want of memory are OutOfMemoryErrors. The addon's own object is frozen. */
function guardMemory(binding: NativeBinding): NativeBinding {
  const exports: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(binding))
    exports[name] = (binding as unknown as Record<string, unknown>)[name];
  exports["executeOp"] = (
    name: string,
    attributes: readonly unknown[],
    inputs: readonly number[],
    outputs: number,
  ): unknown => {
    try {
      return binding.executeOp(name, attributes, inputs, outputs);
    } catch (error) {
      return withOutOfMemory({ backend: "tensorflow", kernel: name }, () => {
        throw error;
      });
    }
  };
  exports["createTensor"] = (shape: readonly number[], dtype: number, values: unknown): number =>
    withOutOfMemory({ backend: "tensorflow", kernel: "upload", shape }, () =>
      binding.createTensor(shape, dtype, values),
    );
  return exports as unknown as NativeBinding;
}
