/** The script and style of the page: bundled from web/ in a clone, and from dist/ in the published package. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DatasetError } from "@v-triune/schema";

/** Texts that can stand inside a script and a style element. */
export interface PageParts {
  readonly script: string;
  readonly style: string;
}

// oxlint-disable-next-line v-triune/module-state -- a cache: the parts are the same for the whole process
let parts: Promise<PageParts> | undefined;

/** @throws DatasetError if the package was not built */
export function pageParts(): Promise<PageParts> {
  return (parts ??= loadParts());
}

async function loadParts(): Promise<PageParts> {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  const builder = join(folder, "web/build-page.mjs");
  if (existsSync(builder))
    return await ((await import(pathToFileURL(builder).href)) as { buildPage: () => Promise<PageParts> }).buildPage();
  const built = join(folder, "dist/page.json");
  try {
    return JSON.parse(await readFile(built, "utf8")) as PageParts;
  } catch (cause) {
    throw new DatasetError({
      code: "missing-file",
      file: built,
      expected: "the parts of the report's page",
      found: "no such file",
      fix: "install @v-triune/data-filters again, or build it with npm run build",
      cause,
    });
  }
}
