// The tarballs that npm would get, made from what `npm run build` left in each dist. Types: pack-packages.d.mts.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { publishedPackages, root } from "./workspace.mjs";

export function packPackages(folder, names) {
  const packages = namedPackages(names);
  const unbuilt = packages.filter(({ directory }) => !existsSync(join(directory, "dist")));
  if (unbuilt.length > 0) {
    const names = unbuilt.map(({ manifest }) => manifest.name).join(", ");
    console.error(`Not built: ${names}.\n  fix: npm run build`);
    process.exit(1);
  }
  mkdirSync(folder, { recursive: true });
  const windows = process.platform === "win32";
  const words = ["pack", "--json", "--pack-destination", folder];
  const { status, stdout, stderr } = spawnSync(
    windows ? "npm.cmd" : "npm",
    [...words, ...packages.flatMap(({ manifest }) => ["-w", manifest.name])],
    { cwd: root, encoding: "utf8", shell: windows, maxBuffer: 2 ** 28 },
  );
  if (status !== 0) {
    console.error(`npm pack failed:\n${stderr}`);
    process.exit(1);
  }
  const packed = JSON.parse(stdout);
  return packages.map(({ manifest, directory }) => {
    const { version, filename, size, files } = packed.find(({ name }) => name === manifest.name);
    const path = join(folder, filename);
    return { name: manifest.name, version, path, directory, size, files };
  });
}

/** Those packages and what they need of this workspace; without names all that npm gets. */
function namedPackages(names) {
  const published = publishedPackages(root);
  if (names === undefined) return published;
  const needed = new Set(names);
  for (const name of needed) {
    const found = published.find(({ manifest }) => manifest.name === name);
    if (found === undefined) throw new RangeError(`there is no package ${name} that npm gets`);
    for (const one of Object.keys(found.manifest.dependencies ?? {}))
      if (published.some(({ manifest }) => manifest.name === one)) needed.add(one);
  }
  return published.filter(({ manifest }) => needed.has(manifest.name));
}
