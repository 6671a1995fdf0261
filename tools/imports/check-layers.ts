/** Holds every import against the table of layers. */
import { EVERYWHERE, type Layer } from "./layers";
import { isTestFile, packageOf, type Workspace } from "./read-imports";

/** @returns one text per import that breaks a layer, and per package without a layer */
export function checkLayers(workspace: Workspace, layers: Readonly<Record<string, Layer>>): string[] {
  const names = new Map(workspace.packages.map(({ folder, name }) => [folder, name]));
  const homeless = workspace.packages
    .filter(({ name }) => layers[name] === undefined)
    .map(({ folder, name }) => `${folder}: has no layer.\n  fix: add "${name}" to tools/imports/layers.ts`);

  const broken = workspace.imports.flatMap(({ file, line, specifier, target }) => {
    const { folder, name } = packageOf(workspace, file);
    const layer = layers[name];
    if (layer === undefined) return [];
    const place = `${file}:${line}: imports "${specifier}"`;
    if (specifier.startsWith("@tensorflow/") && !layer.tensorflow)
      return [`${place}.\n  ${name} works without TensorFlow.js (docs/architecture.md)`];

    const other = target === undefined ? packageNamed(specifier) : names.get(packageOf(workspace, target).folder);
    if (other === undefined || other === name) return [];
    if (target !== undefined && layer.pages?.includes(other) && target.startsWith(`packages/${other}/web/`)) return [];
    if (specifier.startsWith("."))
      return [`${place}, a file of another package.\n  fix: import from an entry point of ${other}, by name`];
    const allowed = allowedImports(layers, name, isTestFile(file));
    if (allowed.includes(other)) return [];
    const may = allowed.length === 0 ? "no other package" : allowed.join(", ");
    return [`${place}.\n  Imports look down only: ${folder} may import ${may} (docs/architecture.md)`];
  });
  return [...homeless, ...broken];
}

/** The packages that one may import, in the order of the table. */
export function allowedImports(
  layers: Readonly<Record<string, Layer>>,
  name: string,
  test: boolean,
): readonly string[] {
  const { imports, inTests = [] } = layers[name]!;
  const above = Object.keys(layers).slice(0, Object.keys(layers).indexOf(name));
  const own = imports === "all" ? above : [...EVERYWHERE, ...imports, ...(test ? inTests : [])];
  return above.filter((other) => own.includes(other));
}

/** A layer as docs/architecture.md shows it. */
export function describeLayer({ imports, inTests = [] }: Layer): string {
  if (imports === "all") return "all above";
  const tests = inTests.length === 0 ? [] : [`in tests: ${inTests.join(", ")}`];
  return [...(imports.length === 0 ? [] : [imports.join(", ")]), ...tests].join("; ");
}

/** The workspace's package that a specifier names, whether or not such an entry point exists. */
function packageNamed(specifier: string): string | undefined {
  return /^@v-triune\/([^/]+)/.exec(specifier)?.[1] ?? /^(v-triune)(\/|$)/.exec(specifier)?.[1];
}
