/** All checks of imports together, with the packages set aside that are still being put in order. */
import { checkLayers } from "./check-layers";
import { findTestHelpers } from "./find-test-helpers";
import { findCycles } from "./find-cycles";
import type { Layer } from "./layers";
import type { Workspace } from "./read-imports";

/**
 * @param unfinished folders of packages whose cycles and test helpers are not reported; it is reported if one has none
 *   left
 * @returns one text per problem
 */
export function checkImports(
  workspace: Workspace,
  layers: Readonly<Record<string, Layer>>,
  unfinished: readonly string[] = [],
): string[] {
  const problems = [...findCycles(workspace), ...findTestHelpers(workspace)];
  const finished = unfinished.filter((folder) => !problems.some((problem) => problem.folder === folder));
  return [
    ...checkLayers(workspace, layers),
    ...problems.filter(({ folder }) => !unfinished.includes(folder)).map(({ text }) => text),
    ...finished.map(
      (folder) => `${folder}: needs no exception any more.\n  fix: remove it from UNFINISHED in tools/check-imports.ts`,
    ),
  ];
}
