// Installs the workspace when its packages are missing or the lockfile has changed since; needs nothing but Node and npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".installed-lockfile");

const [major] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(
    `v-triune needs Node 20 or newer; this is ${process.version}. Install one from nodejs.org and run the command again.`,
  );
  process.exit(2);
}

const lockHash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lockHash) {
  console.log("Installing packages (npm ci, about half a minute the first time) ..");
  const windows = process.platform === "win32";
  const install = spawnSync(windows ? "npm.cmd" : "npm", ["ci", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
    shell: windows,
  });
  if (install.status !== 0) {
    console.error(
      "npm ci failed; its messages are above. Check the network and the registry setting (npm config get registry), then run the command again.",
    );
    process.exit(install.status ?? 1);
  }
  writeFileSync(stamp, lockHash);
}
