/**
 * The Python that interop scripts ask: what it must have, and the answers of scripts that end in a line `RESULT json`.
 */
import { spawnSync } from "node:child_process";

const python = process.env["V_TRIUNE_PYTHON"] ?? "python3";

/** Ends the process with 0, and says why, if the interpreter lacks a module. @param what is skipped then */
export function needModules(what: string, ...modules: readonly string[]): void {
  const missing = modules.filter(
    (name) =>
      spawnSync(python, ["-c", `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`])
        .status !== 0,
  );
  if (missing.length === 0) return;
  console.log(
    `skipped: ${what}. ${python} lacks ${missing.join(" ")}; pip install them, or set V_TRIUNE_PYTHON to an ` +
      "interpreter that has them",
  );
  process.exit(0);
}

/**
 * What a script prints after the word RESULT, parsed; undefined for one that prints no such line.
 *
 * @throws Error with the end of its error output when it fails
 */
export function askPython(script: string, ...args: readonly string[]): unknown {
  const run = spawnSync(python, [script, ...args], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(`${script} ended with ${run.status}:\n${run.stderr.slice(-3000)}`);
  const line = run.stdout.split("\n").find((text) => text.startsWith("RESULT "));
  return line === undefined ? undefined : (JSON.parse(line.slice("RESULT ".length)) as unknown);
}
