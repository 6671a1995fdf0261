/**
 * Checks the words of names, comments, texts and docs: American spelling, and none of the phrases that docs/words.md
 * replaces. Run by `npm run lint`; alone: npx tsx tools/check-words.ts
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkWords, type KeptWord, type Unfinished } from "./words/check-words";

const CHECKED = /\.(ts|tsx|mjs|js|py|css|html|md|yml|yaml)$/;
/** Values of other programs, recorded data, and the lists of what not to write. */
const LEFT_OUT = /^tools\/(goldens|words)\/|^tools\/check-words\.ts$|\/test-data\/|^docs\/words\.md$/;

/** What has not been brought to the word list yet. Remove what you finish. */
const UNFINISHED: Unfinished = {
  spelling: [],
  phrasing: [],
};

/** Where keys of the configuration are read or shown. */
const CONFIGURED =
  /^(docs\/configuration\.md|packages\/training\/src\/|apps\/trainer\/src\/|packages\/monitor\/src\/dashboard\/rollouts\/)/;

const KEPT: readonly KeptWord[] = [
  { word: "normalise", files: CONFIGURED, reason: "rollout.correction.normalise, a key of the configuration" },
  { word: "normalised", files: CONFIGURED, reason: "reward.normalised, a key of the configuration" },
  { word: "metre", files: /answer\/types\/units\.ts$/, reason: "a unit that answers are written in" },
  { word: "metres", files: /answer\/types\/units\.ts$/, reason: "a unit that answers are written in" },
  { word: "optimiser", files: /\.test\.ts$/, reason: "a misspelled key that a person might write" },
];

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" });
const paths = listed.split("\n").filter((path) => CHECKED.test(path) && !LEFT_OUT.test(path));
const files = new Map(
  paths.filter((path) => existsSync(join(root, path))).map((path) => [path, readFileSync(join(root, path), "utf8")]),
);
const problems = checkWords(files, { unfinished: UNFINISHED, kept: KEPT });
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(
    `\nFound ${problems.length === 1 ? "1 word or phrase" : `${problems.length} words and phrases`} to change.`,
  );
  process.exit(1);
}
console.log(`Checked the words of ${files.size} files: no problems.`);
