/**
 * The addon that decodes beside TensorFlow (native/decoding). Its file's name carries the hash of its source, so that
 * clones of different versions find each its own in the folder that they share.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { kernelsFile } from "./kernels-file";
import { libraryFileNames, type NativeLayout } from "./native-folder";
import { type InstructionsAddon, useWidestInstructions } from "./widest-instructions";

const require = createRequire(import.meta.url);

/** Whether the addon works, with the processor's instructions that it uses; otherwise why not. */
export type DecodeKernelsState =
  | { readonly works: true; readonly instructions: string }
  | { readonly works: false; readonly reason: string; readonly howToGet?: string };

/** What is used of the addon here; the policy uses the rest. */
interface DecodeAddon extends InstructionsAddon {
  connect(library: string): string | undefined;
}

/** What `loadDecodeKernels` returns: the addon only where it works. */
export interface LoadedDecodeKernels {
  readonly addon?: object;
  readonly state: DecodeKernelsState;
}

const INSTALL = "npx v-triune native install";

/** The folder of the addon's source. */
export function decodeSourceFolder(): string {
  return join(dirname(require.resolve("@v-triune/backend/package.json")), "native", "decoding");
}

/** The addon's file for the present source. */
export const decodeKernelsFile = (layout: NativeLayout): string =>
  kernelsFile(layout, "decode_kernels", decodeSourceFolder());

/**
 * Loads the addon; TensorFlow is in the process already.
 *
 * @param layout of an install that `native install` made, if it is one
 */
export function loadDecodeKernels(layout: NativeLayout | undefined, usesGpu: boolean): LoadedDecodeKernels {
  const fails = (reason: string, howToGet?: string): LoadedDecodeKernels => ({
    state: { works: false, reason, ...(howToGet === undefined ? {} : { howToGet }) },
  });
  if (usesGpu) return fails("the GPU decodes");
  if (layout === undefined) return fails("not compiled for tfjs-node's own addon", `${INSTALL} --force`);
  try {
    const file = decodeKernelsFile(layout);
    if (!existsSync(file)) return fails("not compiled yet for this version of v-triune", INSTALL);
    const addon = require(file) as DecodeAddon;
    const missing = addon.connect(join(layout.libraries, libraryFileNames()[1]));
    if (missing !== undefined) return fails(missing);
    return { addon, state: { works: true, instructions: useWidestInstructions(addon) } };
  } catch (error) {
    return fails(`they do not load: ${(error as Error).message.split("\n")[0]}`, `${INSTALL} --force`);
  }
}
