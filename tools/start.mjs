// npm start: installs what is missing, then runs the demonstration. Further arguments go to it: npm start -- --steps 10
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";
import { root } from "./workspace.mjs";

ensureInstalled(root);

const child = spawn(process.execPath, [join(root, "apps/trainer/bin/v-triune.mjs"), "demo", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.on("SIGINT", () => {});
child.on("exit", (code, signal) => process.exit(signal ? 130 : (code ?? 1)));
