import { BackendError } from "../backend-error";
import { locateAddon, type LocatedAddon } from "../native/locate-addon";

/**
 * This machine's native TensorFlow for the CPU. Without one: undefined, after a line that names the tests that are
 * skipped.
 */
export function installedNative(tests: string): LocatedAddon | undefined {
  try {
    return locateAddon("tensorflow");
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    console.warn(`Skipping ${tests}: ${error.what} (${error.fix})`);
    return undefined;
  }
}
