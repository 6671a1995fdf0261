/**
 * Examples of Markdown pages are files of `examples/`. A page marks each block with its file:
 *
 *     <!-- examples/schema/check-a-sample.ts -->
 *     ```ts
 *     (the file's text, written here by `npm run examples`)
 *     ```
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { workspacePackages } from "../workspace.mjs";

/** One TypeScript block of a page. */
export interface MarkdownExample {
  /** The file it is marked with, relative to the root; null for a block without a mark. */
  readonly file: string | null;
  readonly code: string;
  /** Line of the block's first fence, from 1. */
  readonly line: number;
}

const BLOCK = /^(?:<!-- (examples\/\S+) -->\n)?```ts\n([\s\S]*?)^```$/gm;

/** The TypeScript blocks of a page, in their order. */
export function markdownExamples(page: string): MarkdownExample[] {
  return [...page.matchAll(BLOCK)].map((match) => ({
    file: match[1] ?? null,
    code: match[2] as string,
    line: page.slice(0, match.index).split("\n").length + (match[1] === undefined ? 0 : 1),
  }));
}

/** The page with the text of every marked file in its block. */
export function withExamples(page: string, readExample: (file: string) => string): string {
  return page.replace(BLOCK, (block, file: string | undefined) =>
    file === undefined ? block : `<!-- ${file} -->\n\`\`\`ts\n${readExample(file)}\`\`\``,
  );
}

/** What an example prints: the comment lines at its end. */
export function expectedOutput(code: string): string {
  const lines = code.trimEnd().split("\n");
  const start = lines.findLastIndex((line) => !line.startsWith("// ")) + 1;
  return lines
    .slice(start)
    .map((line) => line.slice("// ".length))
    .join("\n");
}

/** Pages whose examples are files: the README.md of the root and of every package, and the pages of docs/. */
export function pagesWithExamples(root: string): string[] {
  const readmes = ["README.md", ...workspacePackages(root).map(({ folder }) => `${folder}/README.md`)];
  return [...readmes.filter((page) => existsSync(join(root, page))), ...filesBelow(root, "docs", ".md")];
}

/** Every file of `examples/`, relative to the root. */
export function exampleFiles(root: string): string[] {
  return filesBelow(root, "examples", ".ts");
}

function filesBelow(root: string, folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .sort();
}
