// Compiles the kernels into src/kernels/wasm/binary.ts: node packages/policy/assembly/build.mjs
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "v-triune-kernels-"));
try {
  const output = join(folder, "kernels.wasm");
  const text = join(folder, "kernels.wat");
  // --runtime stub and no data: the module lives in another module's memory and must not write to fixed addresses
  // there.
  const flags = [
    "-O3",
    "--noAssert",
    "--runtime",
    "stub",
    "--importMemory",
    "--maximumMemory",
    "65536",
    "--enable",
    "simd",
    "--use",
    "abort=",
  ];
  execFileSync(
    "npx",
    ["--yes", "--package", "assemblyscript@0.28", "asc", join(here, "index.ts"), "-o", output, "-t", text, ...flags],
    { cwd: folder, stdio: "inherit" },
  );
  if (readFileSync(text, "utf8").includes("(data"))
    throw new Error(
      "The kernels hold static data, which would overwrite the host's memory. Remove constant arrays and strings from the sources.",
    );
  const base64 = readFileSync(output).toString("base64");
  const lines = base64
    .match(/.{1,140}/g)
    .map((line) => `  "${line}"`)
    .join(" +\n");
  writeFileSync(
    join(here, "../src/kernels/wasm/binary.ts"),
    `/** The compiled kernels of packages/policy/assembly, base64; made by assembly/build.mjs, do not edit. */\nexport const KERNELS_BASE64 =\n${lines};\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
