#!/usr/bin/env node
// The command's entry. From npm it loads the build; inside a clone, where src/ lies beside it, it runs the sources
// through tsx.
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

const source = new URL("../src/main.ts", import.meta.url);
if (!existsSync(source)) {
  await import("../dist/main.js");
} else {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const child = spawn(
    process.execPath,
    ["--conditions=@v-triune/source", "--import", tsx, fileURLToPath(source), ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 128 + (signal === "SIGINT" ? 2 : 15) : (code ?? 1)));
}
