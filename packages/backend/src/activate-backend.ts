/**
 * One function per backend that makes it usable in this process, or says in a BackendError why it is not and how to get
 * it. Nothing here chooses; `selectBackend` does.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { BackendError } from "./backend-error";
import type { BackendName } from "./backend-name";
import { driverComplaint } from "./native/driver-complaint";
import { loadedNative, loadNative, type LoadedNative } from "./native/load-native";
import { locateAddon, type LocatedAddon } from "./native/locate-addon";
import type { Environment } from "./native/native-folder";
import { findNvidia } from "./native/nvidia";

const require = createRequire(import.meta.url);

/** What making a backend usable needs to know. */
export interface ActivateOptions {
  /** Threads of one operation. Default: all cores. */
  readonly threads?: number;
  /** Lets TensorFlow's own messages through. Default false. */
  readonly logs?: boolean;
  readonly env?: Environment;
}

/** A backend that is registered with tfjs and works. */
export interface ActivatedBackend {
  /** The name to give `tf.setBackend`. */
  readonly tfjsName: string;
  /** One line for a person, for example "TensorFlow 2.21.0 on the CPU, 2 threads". */
  readonly description: string;
  readonly version: string;
}

/**
 * Registers a backend with tfjs in this process; the caller then sets it.
 *
 * @throws BackendError when it is not installed, not possible on this machine or broken; `fix` says how to get it
 */
export function activateBackend(name: BackendName, options: ActivateOptions = {}): ActivatedBackend {
  switch (name) {
    case "tensorflow-gpu":
      return activateTensorflowGpu(options);
    case "tensorflow":
      return activateTensorflow(options);
    case "webgpu":
      // Tried and left out: docs/native.md has the numbers.
      throw new BackendError({
        what: "tfjs's WebGPU backend cannot read a tensor synchronously in Node, which training does.",
      });
    case "wasm":
      return activateWasm();
    case "cpu":
      return activateCpu();
  }
}

function activateTensorflowGpu(options: ActivateOptions): ActivatedBackend {
  const native = load(locateAddon("tensorflow-gpu", options.env), options);
  const { driver, devices } = findNvidia();
  if (!native.usesGpu) {
    throw new BackendError({
      what: "TensorFlow was loaded but does not use the GPU.",
      found: driverComplaint(native.startupLog) ?? `driver ${driver ?? "unknown"}; TensorFlow gave no reason`,
      fix:
        "check that the driver is 525 or newer, which CUDA 12 needs; npx v-triune doctor shows TensorFlow's " +
        "messages",
    });
  }
  return {
    tfjsName: "tensorflow",
    description: `TensorFlow ${native.tensorflow} on ${devices[0]?.name ?? "the GPU"} (CUDA)`,
    version: native.tensorflow,
  };
}

function activateTensorflow(options: ActivateOptions): ActivatedBackend {
  const native = loadedNative() ?? load(locateAddon("tensorflow", options.env), options);
  if (native.usesGpu) {
    throw new BackendError({
      what: "This process has already given TensorFlow the GPU.",
      fix: 'start a new process that asks for "tensorflow" first',
    });
  }
  const threads = process.env["TF_NUM_INTRAOP_THREADS"];
  return {
    tfjsName: "tensorflow",
    description:
      `TensorFlow ${native.tensorflow} on the ` +
      `CPU${threads === undefined ? "" : `, ${threads} thread${threads === "1" ? "" : "s"}`}`,
    version: native.tensorflow,
  };
}

function load(located: LocatedAddon, { threads, logs }: ActivateOptions): LoadedNative {
  return loadNative({
    ...located,
    ...(threads === undefined ? {} : { threads }),
    ...(logs === undefined ? {} : { logs }),
  });
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
