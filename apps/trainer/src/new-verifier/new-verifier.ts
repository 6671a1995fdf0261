/** `v-triune new-verifier`: a folder with a verifier that works, its golden table and its test, outside a clone. */
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { writeFolderAtomic } from "@v-triune/training/run-folder";
import packageJson from "../../package.json" with { type: "json" };
import { UsageError } from "../errors";
import { packageRoot } from "../package-root";

/** Each file and the template in `assets/new-verifier` that it is made from. */
const files = (name: string): Readonly<Record<string, string>> => ({
  [`${name}.mjs`]: "verifier.mjs",
  [`${name}.test.mjs`]: "verifier.test.mjs",
  "golden.json": "golden.json",
  "package.json": "package.json",
});

const LONGEST_NAME = 40;

/** What was made. */
export interface NewVerifier {
  readonly folder: string;
  readonly files: readonly string[];
  /** Whether `@v-triune/verifiers` must be installed before the test runs. */
  readonly mustInstall: boolean;
}

/**
 * @param name what samples will carry, in kebab-case
 * @param folder the folder to make
 * @throws UsageError for a name that cannot be used; WriteError when the folder exists or cannot be written
 */
export async function makeVerifier(name: string, folder: string): Promise<NewVerifier> {
  checkName(name);
  const made = files(name);
  const version = packageJson.dependencies["@v-triune/verifiers"];
  await writeFolderAtomic(resolve(folder), async (temporary) => {
    for (const [file, template] of Object.entries(made)) {
      const text = readFileSync(join(packageRoot, "assets/new-verifier", `${template}.template`), "utf8");
      await writeFile(join(temporary, file), text.replaceAll("__name__", name).replaceAll("__version__", version));
    }
  });
  return { folder, files: Object.keys(made), mustInstall: !isInstalled(resolve(folder)) };
}

function checkName(name: string): void {
  const isPlain = name.length <= LONGEST_NAME && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name);
  if (!isPlain)
    throw new UsageError({
      what: "The verifier's name cannot be used.",
      expected: `lower-case words joined by hyphens, at most ${LONGEST_NAME} letters`,
      found: name,
      fix: "choose a name such as chart-value",
    });
  if (builtinVerifiers().some((builtin) => builtin.name === name))
    throw new UsageError({
      what: `There is a built-in verifier "${name}".`,
      fix: `choose another name, such as my-${name}`,
    });
}

/** Whether modules in a folder find `@v-triune/verifiers`, in a `node_modules` above it. */
function isInstalled(folder: string): boolean {
  if (existsSync(join(folder, "node_modules/@v-triune/verifiers/package.json"))) return true;
  return dirname(folder) !== folder && isInstalled(dirname(folder));
}
