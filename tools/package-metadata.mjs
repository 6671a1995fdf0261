// Holds what npm shows of each published package to the root's package.json:
//
//     node tools/package-metadata.mjs            # says what differs; part of npm test
//     node tools/package-metadata.mjs --write    # writes what can be written; --root DIR: another workspace
//
// The repository's address, the author and the license stand in the root's package.json and nowhere else by hand. To
// move the repository, change it there and run --write: manifests and the links of all Markdown files follow.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { publishedPackages, readManifest, root as ownRoot, workspacePackages } from "./workspace.mjs";

const { values } = parseArgs({ options: { write: { type: "boolean" }, root: { type: "string", default: ownRoot } } });
const root = resolve(values.root);
const rootManifest = readManifest(join(root, "package.json"));
const rootLicense = readFileSync(join(root, "LICENSE"), "utf8");

/** `git+https://host/owner/name.git` as the address that a browser opens. */
const addressOf = (manifest) => manifest.repository?.url?.replace(/^git\+/, "").replace(/\.git$/, "");
const address = addressOf(rootManifest);

/** First in each package.json, in this order. */
const LEADING_KEYS = (
  "name version private description keywords homepage bugs repository license author publishConfig " +
  "type sideEffects engines"
).split(" ");
/** Pages of the root that hold links, besides the README.md and CHANGELOG.md of each package. */
const ROOT_PAGES = ["README.md", "AGENTS.md", "CONTRIBUTING.md", "SECURITY.md"];

const published = publishedPackages(root);
const privateNames = new Set(
  workspacePackages(root)
    .filter(({ manifest }) => manifest.private === true)
    .map(({ manifest }) => manifest.name),
);

const problems = [];
const report = (path, problem, fix = "npm run metadata") =>
  problems.push(`${relative(root, path)}: ${problem}\n  fix: ${fix}`);

if (values.write) published.forEach(writePackage);
for (const page of pages()) if (values.write) moveLinks(page);
published.forEach(checkPackage);
for (const page of pages()) checkLinks(page);
checkDependencies();

for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? `${published.length} packages agree with package.json` : `${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

/** What every published package states alike, or by its folder. */
function sharedFields(folder) {
  return {
    homepage: `${address}/tree/main/${folder}#readme`,
    bugs: { url: `${address}/issues` },
    repository: { ...rootManifest.repository, directory: folder },
    license: rootManifest.license,
    author: rootManifest.author,
    publishConfig: { access: "public" },
  };
}

function writePackage({ folder, directory, manifest }) {
  const path = join(directory, "package.json");
  const merged = { ...manifest, ...sharedFields(folder) };
  if (merged.files !== undefined && !merged.files.includes("CHANGELOG.md")) merged.files.push("CHANGELOG.md");
  const keys = [...LEADING_KEYS.filter((key) => key in merged), ...Object.keys(merged)];
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(keys.map((key) => [key, merged[key]])), null, 2)}\n`);
  writeFileSync(join(directory, "LICENSE"), rootLicense);
  const changelog = join(directory, "CHANGELOG.md");
  if (!existsSync(changelog))
    writeFileSync(changelog, `# ${manifest.name}\n\n## ${manifest.version}\n\n### Minor Changes\n\n- First release.\n`);
}

function checkPackage({ folder, directory }) {
  const path = join(directory, "package.json");
  const manifest = readManifest(path);
  for (const [key, expected] of Object.entries(sharedFields(folder))) {
    if (JSON.stringify(manifest[key]) !== JSON.stringify(expected))
      report(path, `"${key}" is ${JSON.stringify(manifest[key])}, expected ${JSON.stringify(expected)}`);
  }
  if (!(manifest.description?.length > 0)) report(path, '"description" is missing', "say in one sentence what it is");
  if (!(manifest.keywords?.length >= 3)) report(path, '"keywords" has fewer than 3', "add what people search for");
  if (!manifest.files?.includes("CHANGELOG.md")) report(path, '"files" leaves CHANGELOG.md out');
  for (const name of Object.keys(manifest.dependencies ?? {}))
    if (privateNames.has(name))
      report(
        path,
        `"dependencies" has ${name}, which is private and not on npm`,
        "bundle it: move it to devDependencies",
      );
  checkCommands(path, manifest);

  const license = join(directory, "LICENSE");
  if (textOf(license) !== rootLicense) report(license, "differs from the LICENSE of the root");
  const changelog = join(directory, "CHANGELOG.md");
  if (!textOf(changelog).includes(`\n## ${manifest.version}\n`))
    report(changelog, `no section for version ${manifest.version}`, "npm run version-packages");
  const readme = join(directory, "README.md");
  if (!new RegExp(`(npm install|npx) ${manifest.name}\\s`).test(textOf(readme)))
    report(readme, `no line "npm install ${manifest.name}"`, "write how to install it");
}

/** docs/dependencies.md says of every dependency why it is here. */
function checkDependencies() {
  const page = join(root, "docs/dependencies.md");
  const named = new Set(textOf(page).split(/[\s,|()]+/));
  const manifests = [rootManifest, ...workspacePackages(root).map(({ manifest }) => manifest)];
  const ours = new Set(manifests.map(({ name }) => name));
  const used = manifests.flatMap((one) => [
    ...Object.keys(one.dependencies ?? {}),
    ...Object.keys(one.devDependencies ?? {}),
    ...Object.keys(one.optionalDependencies ?? {}),
    ...Object.keys(one.peerDependencies ?? {}),
  ]);
  for (const name of new Set(used))
    if (!ours.has(name) && !named.has(name))
      report(page, `${name} is not named`, "add a row: what it does here, and what it was weighed against");
}

/**
 * npx finds a command by the package's name if it is the only one, or has that name; names that others may use are
 * refused.
 */
function checkCommands(path, manifest) {
  const commands = Object.keys(manifest.bin ?? {});
  const unscoped = manifest.name.replace(/^@.*\//, "");
  if (commands.length > 1 && !commands.includes(unscoped))
    report(path, `npx ${manifest.name} cannot choose among ${commands.join(", ")}`, `name one of them ${unscoped}`);
  for (const command of commands)
    if (!command.startsWith("v-triune"))
      report(path, `the command "${command}" has a name that other packages may use`, `name it v-triune-${command}`);
}

function pages() {
  const ofPackages = published.flatMap(({ directory }) => [
    join(directory, "README.md"),
    join(directory, "CHANGELOG.md"),
  ]);
  return [...ROOT_PAGES.map((name) => join(root, name)), ...ofPackages].filter((path) => existsSync(path));
}

/** Rewrites links to the address that the packages stated before. */
function moveLinks(path) {
  const text = readFileSync(path, "utf8");
  const moved = published.reduce((current, { manifest }) => {
    const before = addressOf(manifest);
    return before === undefined ? current : current.replaceAll(before, address);
  }, text);
  if (moved !== text) writeFileSync(path, moved);
}

/**
 * Links of a package's page are absolute, since npm shows it without the repository; what they lead to in this
 * repository exists.
 */
function checkLinks(path) {
  const text = readFileSync(path, "utf8");
  const shownByNpm = dirname(path) !== root;
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (target.startsWith("#")) continue;
    const file = new RegExp(`^(.*)/(?:blob|tree|raw)/main/([^#]*)`).exec(target);
    if (file !== null) {
      const [, host, inside] = file;
      if (host !== address)
        report(path, `the link ${target} leads to another repository than ${address}`, `link to ${address}`);
      else if (!existsSync(join(root, inside))) report(path, `the link ${target} leads nowhere`, "fix the link");
    } else if (!/^(https?|mailto):/.test(target)) {
      if (shownByNpm)
        report(path, `the link ${target} is dead on npm`, `write ${address}/blob/main/ and the path in the repository`);
      else if (!existsSync(join(root, target.replace(/#.*/, ""))))
        report(path, `the link ${target} leads nowhere`, "fix the link");
    }
  }
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
