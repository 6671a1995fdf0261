/** Layers and cycles together, with the packages set aside whose cycles are still being untied. */
import { checkLayers } from "./check-layers";
import { findCycles } from "./find-cycles";
import type { Layer } from "./layers";
import type { Workspace } from "./read-imports";

/**
 * @param untying folders of packages whose cycles are not reported; it is reported if one has no cycle left
 * @returns one text per problem
 */
export function checkImports(
  workspace: Workspace,
  layers: Readonly<Record<string, Layer>>,
  untying: readonly string[] = [],
): string[] {
  const cycles = findCycles(workspace);
  const untied = untying.filter((folder) => !cycles.some((cycle) => cycle.folder === folder));
  return [
    ...checkLayers(workspace, layers),
    ...cycles.filter(({ folder }) => !untying.includes(folder)).map(({ text }) => text),
    ...untied.map(
      (folder) => `${folder}: has no cycle any more.\n  fix: remove it from UNTYING in tools/check-imports.ts`,
    ),
  ];
}
