// Checks the tarballs that npm would get, after `npm run build`: publint for the manifest and its files,
// arethetypeswrong for the types that TypeScript finds at each entry. Part of npm test.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packPackages } from "./pack-packages.mjs";
import { readManifest, root, workspacePackages } from "./workspace.mjs";

/** Every tarball has these, whatever else it holds. */
const REQUIRED_FILES = ["package.json", "README.md", "LICENSE", "CHANGELOG.md"];
/** The packages are ES modules only, so what `require` and TypeScript's CommonJS files find is not looked at. */
const ESM_RESOLUTIONS = new Set(["node16-esm", "bundler"]);

/** Private packages are on no registry: what a tarball uses of them is inside it. */
const privateNames = workspacePackages(root)
  .filter(({ manifest }) => manifest.private === true)
  .map(({ manifest }) => manifest.name);

/** What is wrong with one tarball, a sentence each. */
async function problemsOf({ path, directory, files }) {
  const names = files.map((file) => file.path);
  const data = readFileSync(path);
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const manifest = readManifest(join(directory, "package.json"));
  const { messages } = await publint({ pack: { tarball: bytes }, strict: true });
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
  const wrongTypes = analysis.types === false ? [{ kind: "NoTypes" }] : analysis.problems.filter(concernsEsm);
  return [
    ...REQUIRED_FILES.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...names.filter((name) => name.endsWith(".map")).map((name) => `${name} is a source map`),
    ...names
      .filter((name) => importsPrivate(join(directory, name)))
      .map((name) => `${name} imports a private package; state the type where it is exported`),
    ...messages.map((message) => `publint: ${formatMessage(message, manifest)}`),
    ...wrongTypes.map(({ kind, ...where }) => `types: ${kind} ${JSON.stringify({ ...where, trace: undefined })}`),
  ];
}

function importsPrivate(path) {
  if (!/\.(m?js|d\.ts)$/.test(path)) return false;
  const text = readFileSync(path, "utf8");
  return privateNames.some((name) => new RegExp(`(from|import)[ (]*["']${name}["'/]`).test(text));
}

function concernsEsm({ kind, resolutionKind, resolutionOption }) {
  if (kind === "CJSResolvesToESM") return false;
  if (resolutionKind !== undefined) return ESM_RESOLUTIONS.has(resolutionKind);
  return resolutionOption !== "node10";
}

const folder = mkdtempSync(join(tmpdir(), "v-triune-packages-"));
let problems = 0;
try {
  for (const tarball of packPackages(folder)) {
    const found = await problemsOf(tarball);
    for (const problem of found) console.error(`${tarball.name}: ${problem}`);
    problems += found.length;
    const size = `${(tarball.size / 1000).toFixed(0)} kB`.padStart(9);
    console.log(`${size}  ${tarball.name}: ${found.length === 0 ? "ready to publish" : `${found.length} problems`}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = problems === 0 ? 0 : 1;
