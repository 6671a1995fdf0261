// npm run release: builds, checks and packs every package, then publishes what npm does not have yet.
//
//     npm run release -- --dry-run     # packs into release/ and prints what would be published
//
// Versions and changelogs come first, by `npm run version-packages` (CONTRIBUTING.md).
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureInstalled } from "./ensure-installed.mjs";
import { packPackages } from "./pack-packages.mjs";
import { readManifest, root } from "./workspace.mjs";

ensureInstalled(root);
const { values } = parseArgs({ options: { "dry-run": { type: "boolean" } } });
const folder = join(root, "release");

/** Runs one step; a step that fails ends the release. */
function step(title, command, args) {
  console.log(`\n== ${title}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) stop(`${title} failed; its messages are above.`);
}

function stop(message) {
  console.error(`\nNothing was published: ${message}`);
  process.exit(1);
}

function printTarball({ name, version, path, size, files }) {
  console.log(`\n${name}@${version}  ${kilobytes(size)} packed  ${path}`);
  for (const file of files) console.log(`${kilobytes(file.size).padStart(12)}  ${file.path}`);
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const bin = (name) => join(root, "node_modules", ".bin", name);

/** What must hold before anything is published, as no version of a package can be published twice. */
function checkReady() {
  // Names under .example exist nowhere (RFC 2606), so such an address still waits for the real one.
  const { url } = readManifest(join(root, "package.json")).repository;
  if (/\.example\//.test(url)) stop(`"repository" in package.json is still the placeholder ${url}.`);
  const { stdout } = spawnSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });
  if (stdout !== "") stop(`the working tree has changes that are not committed:\n${stdout}`);
}

if (!values["dry-run"]) checkReady();
step("metadata of the packages", process.execPath, [join(root, "tools/package-metadata.mjs")]);
step("build", bin("nx"), ["run-many", "-t", "build"]);
step("check of the packages", process.execPath, [join(root, "tools/check-packages.mjs")]);
console.log("\n== tarballs");
rmSync(folder, { recursive: true, force: true });
const tarballs = packPackages(folder);
tarballs.forEach(printTarball);
const total = tarballs.reduce((sum, { size }) => sum + size, 0);
console.log(`\n${tarballs.length} packages, ${kilobytes(total)} packed, in ${folder}`);

if (values["dry-run"]) console.log("Dry run: nothing was published.");
else step("publish", bin("changeset"), ["publish"]);
