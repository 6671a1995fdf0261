/** Finds import cycles between files, and between the folders of a package. */
import { isTestFile, packageOf, type Import, type Workspace } from "./read-imports";

export interface Cycle {
  /** Folder of the package that it lies in. */
  readonly folder: string;
  /** The way round, and the fewest imports whose removal opens it. */
  readonly text: string;
}

/** A directed graph: node, the nodes that it imports, and the imports that make each arrow. */
type Graph = Map<string, Map<string, Import[]>>;

/**
 * Cycles between files, type-only and dynamic imports included: a reader follows them in the same way. And cycles
 * between the folders of one parent folder, where a file counts as a folder of its own. Imports of tests and benches do
 * not count there.
 */
export function findCycles(workspace: Workspace): Cycle[] {
  const { imports, files } = workspace;
  const betweenFiles = openCycles(graphOf(imports, (from, to) => [from, to]));
  const betweenFolders = openCycles(
    graphOf(
      imports.filter(({ file }) => !isTestFile(file)),
      siblingsOf,
    ),
  ).filter(({ nodes }) => !nodes.every((node) => files.has(node)));
  const told = (kind: string) => (opened: OpenedCycle) => ({
    folder: packageOf(workspace, opened.imports[0]!.file).folder,
    text: tell(kind, opened),
  });
  return [...betweenFiles.map(told("files")), ...betweenFolders.map(told("folders"))];
}

/**
 * The two folders, or files, of one parent folder that an import connects: src/a/b/x.ts and src/a/c.ts give src/a/b and
 * src/a/c.ts.
 */
function siblingsOf(from: string, to: string): readonly [string, string] {
  const [left, right] = [from.split("/"), to.split("/")];
  const parting = left.findIndex((name, at) => name !== right[at]) + 1;
  return [left.slice(0, parting).join("/"), right.slice(0, parting).join("/")];
}

function graphOf(imports: readonly Import[], arrowOf: (from: string, to: string) => readonly [string, string]): Graph {
  const graph: Graph = new Map();
  for (const one of imports) {
    if (one.target === undefined) continue;
    const [from, to] = arrowOf(one.file, one.target);
    if (from === to) continue;
    const arrows = graph.get(from) ?? new Map<string, Import[]>();
    graph.set(from, arrows.set(to, [...(arrows.get(to) ?? []), one]));
  }
  return graph;
}

interface OpenedCycle {
  readonly nodes: readonly string[];
  /** The imports of its thinnest arrow. */
  readonly imports: readonly Import[];
}

/** Removes the thinnest arrow of a shortest cycle, until no cycle is left. */
function openCycles(graph: Graph): OpenedCycle[] {
  const opened: OpenedCycle[] = [];
  for (let nodes = shortestCycle(graph); nodes !== undefined; nodes = shortestCycle(graph)) {
    const arrows = nodes.map((from, at) => [from, nodes![(at + 1) % nodes!.length]!] as const);
    const importsOf = ([from, to]: readonly [string, string]): Import[] => graph.get(from)!.get(to)!;
    const thinnest = arrows.toSorted((a, b) => importsOf(a).length - importsOf(b).length)[0]!;
    opened.push({ nodes, imports: importsOf(thinnest) });
    graph.get(thinnest[0])!.delete(thinnest[1]);
  }
  return opened;
}

function tell(kind: string, { nodes, imports }: OpenedCycle): string {
  const these = imports.length === 1 ? "this import" : `these ${imports.length} imports`;
  return [
    `Import cycle between ${kind}: ${[...nodes, nodes[0]].join(" -> ")}`,
    `  fix: remove ${these}; what both sides need can move below both`,
    ...imports.map(({ file, line, specifier }) => `    ${file}:${line}: imports "${specifier}"`),
  ].join("\n");
}

/** The nodes of a shortest cycle, in the order of their imports. */
function shortestCycle(graph: Graph): readonly string[] | undefined {
  let shortest: readonly string[] | undefined;
  for (const start of [...knottedNodes(graph)].toSorted()) {
    const way = wayBack(graph, start);
    if (way !== undefined && (shortest === undefined || way.length < shortest.length)) shortest = way;
    if (shortest?.length === 2) break;
  }
  return shortest;
}

/**
 * Removes nodes that import no other node, then those that import only such nodes, and so on. Every cycle is among the
 * rest.
 */
function knottedNodes(graph: Graph): Set<string> {
  const left = new Set(graph.keys());
  for (let before = Infinity; left.size < before;) {
    before = left.size;
    for (const node of left) if (![...graph.get(node)!.keys()].some((to) => left.has(to))) left.delete(node);
  }
  return left;
}

/** The shortest way from a node back to itself, breadth first. */
function wayBack(graph: Graph, start: string): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node)?.keys() ?? []) {
      if (next === start) {
        const way = [node];
        while (way[0] !== start) way.unshift(cameFrom.get(way[0]!)!);
        return way;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return undefined;
}
