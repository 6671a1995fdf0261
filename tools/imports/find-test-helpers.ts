/** Keeps helpers of tests apart from the code that ships: in folders named for it. */
import { isTestFile, packageOf, type Workspace } from "./read-imports";

/** Folders of code that only tests and checks run. */
const HELPERS = /\/(testing|parity|conformance)\//;
/** Commands that people start. */
const COMMANDS = /\/bin\//;

export interface Misplaced {
  /** Folder of the package that it lies in. */
  readonly folder: string;
  readonly text: string;
}

/** Code that only tests import but lies beside code that ships, and code that ships but imports a helper of tests. */
export function findTestHelpers(workspace: Workspace): Misplaced[] {
  const entries = new Set(workspace.packages.flatMap((one) => [...one.entries.values()]));
  const importers = new Map<string, string[]>();
  for (const { file, target } of workspace.imports)
    if (target !== undefined) importers.set(target, [...(importers.get(target) ?? []), file]);

  const beside = [...importers]
    .filter(
      ([file, users]) =>
        !HELPERS.test(file) &&
        !COMMANDS.test(file) &&
        !entries.has(file) &&
        !isTestFile(file) &&
        users.every(isTestFile),
    )
    .map(([file, users]) => ({
      file,
      text: `${file}: only tests import it, such as ${users[0]}.\n  fix: move it to a testing folder`,
    }));
  const shipped = workspace.imports
    .filter(({ file, target = "" }) => !HELPERS.test(file) && !isTestFile(file) && target.includes("/testing/"))
    .map(({ file, line, specifier }) => ({
      file,
      text:
        `${file}:${line}: imports "${specifier}", a helper of tests.\n` +
        "  fix: move what it needs out of the testing folder",
    }));
  return [...beside, ...shipped].map(({ file, text }) => ({ folder: packageOf(workspace, file).folder, text }));
}
