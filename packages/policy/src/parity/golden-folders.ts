/** Where the tests find reference values: the copies in this repository first, then ../shared beside it. */
import { existsSync } from "node:fs";
import { join } from "node:path";

const repository = join(import.meta.dirname, "..", "..", "..", "..");

/** The folder of reference data with that name, or undefined after a line on the console. */
export function goldenFolder(name: string): string | undefined {
  for (const folder of [join(repository, "tools", "goldens", name), join(repository, "..", "shared", "golden", name)])
    if (existsSync(folder)) return folder;
  console.warn(`skipped: reference values "${name}" are neither in tools/goldens nor in ../shared/golden`);
  return undefined;
}

/** A folder of ../shared, or undefined after a line on the console. */
export function sharedFolder(path: string): string | undefined {
  const folder = join(repository, "..", "shared", path);
  if (existsSync(folder)) return folder;
  console.warn(`skipped: ../shared/${path} is not here; it comes with the project's reference data`);
  return undefined;
}
