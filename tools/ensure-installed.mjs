// Installs the packages of a workspace if they are missing or differ from package-lock.json; needs nothing but Node and
// npm. Only the commands that people start call it (start, test, build, run, release): a step of theirs never installs.
// Types: ensure-installed.d.mts.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const packagesOf = (file) => JSON.parse(readFileSync(file, "utf8")).packages;

/**
 * Whether node_modules has every package that package-lock.json names, in its version, by npm's own record of what it
 * installed.
 */
export function isInstalled(root) {
  const record = join(root, "node_modules/.package-lock.json");
  if (!existsSync(record)) return false;
  const installed = packagesOf(record);
  return Object.entries(packagesOf(join(root, "package-lock.json"))).every(
    ([path, { version, link, optional }]) =>
      !path.includes("node_modules/") ||
      link === true ||
      // npm leaves out optional packages for other machines.
      (installed[path]?.version ?? (optional === true ? version : undefined)) === version,
  );
}

/** Ends the process if Node is too old or npm fails. */
export function ensureInstalled(root) {
  const [major] = process.versions.node.split(".").map(Number);
  if (major < 20) {
    console.error(
      `v-triune needs Node 20 or newer; this is ${process.version}. Install one from nodejs.org and run the ` +
        "command again.",
    );
    process.exit(2);
  }
  if (isInstalled(root)) return;
  console.log("Installing packages (npm ci, about half a minute the first time) ..");
  const windows = process.platform === "win32";
  const install = spawnSync(windows ? "npm.cmd" : "npm", ["ci", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
    shell: windows,
  });
  if (install.status === 0) return;
  console.error(
    "npm ci failed; its messages are above. " +
      "Check the network and the registry setting (npm config get registry), then run the command again.",
  );
  process.exit(install.status ?? 1);
}
