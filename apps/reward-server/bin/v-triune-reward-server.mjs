#!/usr/bin/env node
// From npm this loads the build; in a clone, where src/ lies beside it, the sources run through tsx in a process of
// their own.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const source = new URL("../src/main.ts", import.meta.url);
if (existsSync(source)) {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const server = spawn(
    process.execPath,
    ["--conditions=@v-triune/source", "--import", tsx, fileURLToPath(source), ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  // A terminal's Ctrl-C reaches the server by itself; what is sent to this process alone has to be passed on.
  process.on("SIGINT", () => process.stdin.isTTY || server.kill("SIGINT"));
  process.on("SIGTERM", () => server.kill("SIGTERM"));
  server.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
} else {
  await import("../dist/main.js");
}
