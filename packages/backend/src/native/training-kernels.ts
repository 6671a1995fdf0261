/**
 * The addon that adds v-triune's own ops for training to TensorFlow (native/training). As that of `decode-kernels`, its file
 * carries the hash of its source in its name.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import type { DecodeKernelsState as OwnKernelsState } from "./decode-kernels";
import { kernelsFile } from "./kernels-file";
import { libraryFileNames, type NativeLayout } from "./native-folder";
import { type InstructionsAddon, useWidestInstructions } from "./widest-instructions";

const require = createRequire(import.meta.url);

const INSTALL = "npx v-triune native install";

/** See native/training/hold-signals.h. */
export interface SignalHolder {
  holdSignals(hold: boolean): void;
}

interface TrainingAddon extends InstructionsAddon, SignalHolder {
  /** @returns what is missing */
  connect(library: string, threads: number): string | undefined;
}

/** The folder of the addon's source. */
export function trainingSourceFolder(): string {
  return join(dirname(require.resolve("@v-triune/backend/package.json")), "native", "training");
}

/** The addon's file for the present source. */
export const trainingKernelsFile = (layout: NativeLayout): string =>
  kernelsFile(layout, "training_ops", trainingSourceFolder());

/** What holds signals back, where the addon is there: it needs no TensorFlow. */
export function signalHolder(layout: NativeLayout | undefined): SignalHolder | undefined {
  try {
    return layout && (require(trainingKernelsFile(layout)) as SignalHolder);
  } catch {
    return undefined;
  }
}

/** Runs a function while this thread holds signals back. */
export function withSignalsHeld<T>(holder: SignalHolder | undefined, run: () => T): T {
  holder?.holdSignals(true);
  try {
    return run();
  } finally {
    holder?.holdSignals(false);
  }
}

/** What `loadTrainingKernels` returns: the addon only where it works. */
interface LoadedTrainingKernels {
  readonly addon?: object;
  readonly state: OwnKernelsState;
}

/**
 * Loads the addon; TensorFlow is in the process already. Where it does not work, TensorFlow's own ops compute.
 *
 * @param layout of an install that `native install` made, if it is one
 * @param threads that TensorFlow computes with. Default: one per core
 */
export function loadTrainingKernels(
  layout: NativeLayout | undefined,
  usesGpu: boolean,
  threads = availableParallelism(),
): LoadedTrainingKernels {
  const fails = (reason: string, howToGet?: string): LoadedTrainingKernels => ({
    state: { works: false, reason, ...(howToGet === undefined ? {} : { howToGet }) },
  });
  if (usesGpu) return fails("the GPU trains");
  if (layout === undefined) return fails("not compiled for tfjs-node's own addon", `${INSTALL} --force`);
  try {
    const file = trainingKernelsFile(layout);
    if (!existsSync(file)) return fails("not compiled yet for this version of v-triune", INSTALL);
    const addon = require(file) as TrainingAddon;
    const missing = addon.connect(join(layout.libraries, libraryFileNames()[1]), threads);
    if (missing !== undefined) return fails(missing);
    return { addon, state: { works: true, instructions: useWidestInstructions(addon) } };
  } catch (error) {
    return fails(`they do not load: ${(error as Error).message.split("\n")[0]}`, `${INSTALL} --force`);
  }
}
