// Runs a TypeScript file of this clone with the workspace's source export condition: node tools/run.mjs FILE [ARG ...]
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { ensureInstalled } from "./ensure-installed.mjs";
import { root } from "./workspace.mjs";

ensureInstalled(root);

const [file, ...rest] = process.argv.slice(2);
const child = spawn(
  process.execPath,
  ["--conditions=@v-triune/source", "--import", "tsx", resolve(root, file), ...rest],
  { stdio: "inherit", env: { ...process.env, TSX_TSCONFIG_PATH: join(root, "tsconfig.json") } },
);
// Ctrl-C reaches the child through the terminal's process group; this process only waits for it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => signal === "SIGINT" || child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 128 + (signal === "SIGINT" ? 2 : 15) : (code ?? 1)));
