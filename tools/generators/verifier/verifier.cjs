/**
 * `npx nx g @v-triune/tools:verifier my-verifier`: a verifier that works and conforms from the first minute, for its author to
 * put a rule into. docs/add-a-verifier.md is its guide.
 *
 * CommonJS without types, because Nx loads generators by `require` and this workspace has no build step for its tools.
 */
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { names } = require("@nx/devkit");

const SOURCE = "packages/verifiers/src";
const INDEX = `${SOURCE}/index.ts`;
const README = "packages/verifiers/README.md";
const BUILTIN = "packages/rewards/src/builtin-verifiers.ts";
const KNOWN = "packages/schema/src/reward-defaults.ts";
const TEMPLATES = join(__dirname, "files");
const LONGEST_NAME = 40;

/** Words that no constant may be called, and globals that a constant had better not hide. */
const RESERVED = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof " +
    "interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/** A verifier could not be made; nothing was written. */
class VerifierGeneratorError extends Error {
  name = "VerifierGeneratorError";
}

/**
 * @param {import("@nx/devkit").Tree} tree
 * @param {{ name: string }} options
 * @throws VerifierGeneratorError when the name cannot be used, or a file does not look as this generator expects; nothing is written then
 */
function verifierGenerator(tree, { name }) {
  checkName(name);
  const constant = names(name).propertyName;
  const file = name.endsWith("-verifier") ? name : `${name}-verifier`;
  const factory = `create${names(file).className}`;
  const words = { name, constant, file, factory, imports: [constant, factory].sort().join(", ") };
  checkFree(tree, words);

  // All edits are made on text first, so that a file that looks different stops everything.
  const edited = [
    [INDEX, withExport(read(tree, INDEX), words)],
    [BUILTIN, withBuiltin(read(tree, BUILTIN), words)],
    [KNOWN, withName(read(tree, KNOWN), words)],
    [README, withRow(read(tree, README), words)],
  ];
  for (const [path, text] of edited) tree.write(path, text);
  writeTemplates(tree, "source", `${SOURCE}/${name}`, words);
  writeTemplates(tree, "docs", "docs/verifiers", words);
  return () => {
    console.log(`
${name} compares answers with the gold answer until you change isRight in ${SOURCE}/${name}/${file}.ts.
  1. write down in ${SOURCE}/${name}/golden.json what it shall say
  2. change isRight and the params until this passes: npx vitest run ${SOURCE}/${name}
  3. describe it in docs/verifiers/${name}.md, then run npm test`);
  };
}

function checkName(name) {
  const rule = `a name in kebab-case of at most ${LONGEST_NAME} letters, such as palindrome or chart-value`;
  if (typeof name !== "string" || name.length > LONGEST_NAME || !/^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$/.test(name))
    throw new VerifierGeneratorError(`The verifier's name: ${rule} expected, found ${JSON.stringify(name)}.`);
  const constant = names(name).propertyName;
  if (RESERVED.has(constant))
    throw new VerifierGeneratorError(
      `The verifier's name: ${JSON.stringify(constant)} is a word of the language. Choose a longer one, such as ${name}-answer.`,
    );
}

/** Fills in each file of a folder of templates: `__word__` in its name, `<%= word %>` in its text. */
function writeTemplates(tree, folder, target, words) {
  for (const file of readdirSync(join(TEMPLATES, folder))) {
    const path = file.replace(/\.template$/, "").replaceAll(/__(\w+?)__/g, (_, word) => words[word]);
    tree.write(
      `${target}/${path}`,
      readFileSync(join(TEMPLATES, folder, file), "utf8").replaceAll(/<%= (\w+) %>/g, (_, word) => words[word]),
    );
  }
}

/** Every word of the templates' code: a constant of that name would clash with it. */
function ownWords() {
  const folder = join(TEMPLATES, "source");
  const code = readdirSync(folder)
    .filter((file) => file.endsWith(".ts.template"))
    .map((file) => readFileSync(join(folder, file), "utf8"));
  return wordsOf(code.join("\n").replaceAll(/<%= \w+ %>/g, ""));
}

/** Every word of some code, without comments and quoted texts. */
function wordsOf(code) {
  return new Set(code.replaceAll(/\/\*[^]*?\*\/|\/\/.*|"[^"\n]*"/g, " ").match(/[A-Za-z_$][\w$]*/g));
}

function checkFree(tree, { name, constant, factory }) {
  for (const path of [`${SOURCE}/${name}`, `docs/verifiers/${name}.md`]) {
    if (tree.exists(path))
      throw new VerifierGeneratorError(`${path} exists already. Choose another name, or change the verifier there.`);
  }
  for (const path of [INDEX, BUILTIN]) {
    const known = wordsOf(read(tree, path));
    const taken = [constant, factory].find((word) => known.has(word));
    if (taken !== undefined)
      throw new VerifierGeneratorError(`${path} holds ${JSON.stringify(taken)} already. Choose another name.`);
  }
  if (ownWords().has(constant))
    throw new VerifierGeneratorError(
      `The verifier's name: the generated code uses ${JSON.stringify(constant)} itself. Choose a longer one, such as ${name}-answer.`,
    );
}

function read(tree, path) {
  const text = tree.read(path, "utf8");
  if (text === null)
    throw new VerifierGeneratorError(`${path} is missing. Run this generator in a clone of the V-Triune repository.`);
  return text;
}

/** The package's exports with one more line, in the order of folders. */
function withExport(text, { name, file, imports }) {
  const lines = text.split("\n");
  const folderOf = (line) => /^export \{.*\bcreate\w+Verifier\b.*\} from "\.\/([\w-]+)\/[\w-]+";$/.exec(line)?.[1];
  const last = lines.findLastIndex((line) => folderOf(line) !== undefined);
  if (last === -1)
    throw different(INDEX, 'a line like export { createChoiceVerifier } from "./choice/choice-verifier";');
  const next = lines.findIndex((line) => folderOf(line) > name);
  lines.splice(next === -1 ? last + 1 : next, 0, `export { ${imports} } from "./${name}/${file}";`);
  return lines.join("\n");
}

/** The table of built-in verifiers with one more entry, and its import. */
function withBuiltin(text, { name, constant }) {
  const imports = /import \{\n((?: {2}[\w ]+,\n)+)\} from "@v-triune\/verifiers";/;
  const table = /const byName: [^\n]* = \{\n(?: {4}[^\n]*,\n)+/;
  if (!imports.test(text)) throw different(BUILTIN, 'import { .. } from "@v-triune/verifiers"; with a name per line');
  if (!table.test(text)) throw different(BUILTIN, "const byName: .. = { .. }; with a verifier per line");
  return text
    .replace(imports, (all, block) => {
      const entries = block.split("\n").slice(0, -1);
      const next = entries.findIndex((entry) => entry.startsWith("  type ") || entry > `  ${constant},`);
      entries.splice(next === -1 ? entries.length : next, 0, `  ${constant},`);
      return all.replace(block, `${entries.join("\n")}\n`);
    })
    .replace(table, (entries) => `${entries}    ${constant === name ? name : `"${name}": ${constant}`},\n`);
}

/** The names that samples may use with one more. */
function withName(text, { name }) {
  const list = /export const KNOWN_VERIFIERS = \[\n(?: {2}"[\w-]+",\n)+/;
  if (!list.test(text)) throw different(KNOWN, "export const KNOWN_VERIFIERS = [..] with a name per line");
  return text.replace(list, (names) => `${names}  "${name}",\n`);
}

/** The README's table with one more row. */
function withRow(text, { name }) {
  const anchor = "| `createCompositeVerifier` |";
  if (!text.includes(anchor)) throw different(README, `a table row that starts with ${anchor}`);
  // npm shows the README without the repository, so its links are absolute: the new one goes where the guide's does.
  const [, docs] = /\((\S+\/docs\/)add-a-verifier\.md\)/.exec(text) ?? [];
  if (docs === undefined) throw different(README, "a link to docs/add-a-verifier.md");
  const row = `| \`${name}\` | [docs/verifiers/${name}.md](${docs}verifiers/${name}.md) | a text |`;
  return text.replace(anchor, () => `${row}\n${anchor}`);
}

function different(path, expected) {
  return new VerifierGeneratorError(
    `${path} does not look as this generator expects: ${expected} expected, found none. Nothing was written; adapt tools/generators/verifier/verifier.cjs.`,
  );
}

module.exports = verifierGenerator;
module.exports.VerifierGeneratorError = VerifierGeneratorError;
