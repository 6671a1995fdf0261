// The packages of this workspace, as the root's package.json lists them. Types: workspace.d.mts.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const readManifest = (file) => JSON.parse(readFileSync(file, "utf8"));

export function workspacePackages(root) {
  const folders = readManifest(join(root, "package.json")).workspaces.flatMap((pattern) =>
    pattern.endsWith("/*")
      ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => `${pattern.slice(0, -1)}${name}`)
      : [pattern],
  );
  return folders
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .map((folder) => {
      const directory = join(root, folder);
      return { folder, directory, manifest: readManifest(join(directory, "package.json")) };
    });
}

export const publishedPackages = (root) => workspacePackages(root).filter(({ manifest }) => manifest.private !== true);
