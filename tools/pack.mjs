// Packs packages with what they need of this workspace, after they were built: node tools/pack.mjs FOLDER [PACKAGE ..]
import { resolve } from "node:path";
import { packPackages } from "./pack-packages.mjs";

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node tools/pack.mjs FOLDER [PACKAGE ..]");
  process.exit(2);
}
for (const { path } of packPackages(resolve(folder), names.length === 0 ? undefined : names)) console.log(path);
