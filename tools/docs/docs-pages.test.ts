/**
 * The pages that people read: links lead somewhere, commands have arguments that exist, words
 * are spelled right, and the messages of docs/troubleshooting.md are those of the code.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import dictionary from "dictionary-en";
import nspell from "nspell";
import { beforeAll, describe, expect, it } from "vitest";
import { checkArguments } from "../../apps/trainer/src/cli/syntax/arguments";
import { commands } from "../../apps/trainer/src/cli/commands";
import { contents } from "./contents.mjs";
import { anchorsOf, commandsOf, linksOf, proseWords } from "./markdown-page";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter(
    (path) =>
      path !== "" &&
      !/CHANGELOG|^\.changeset\/|\/test-data\/|^tools\/goldens\//.test(path) &&
      existsSync(join(root, path)),
  );

it("the site's contents name pages that exist, each once", () => {
  const listed = contents.flatMap(({ pages: names }) => names).map((name) => `docs/${name}.md`);
  expect(listed.filter((page) => !pages.includes(page))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
});

it("links of all pages lead to files and headings that exist", () => {
  const broken = pages.flatMap((page) =>
    linksOf(read(page)).flatMap(({ line, target }) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), decodeURI(path));
      if (!existsSync(join(root, file))) return [`${page}:${line}: ${target} does not exist`];
      const isPage = file.endsWith(".md") && statSync(join(root, file)).isFile();
      if (anchor === undefined || !isPage || anchorsOf(read(file)).has(anchor)) return [];
      return [`${page}:${line}: ${file} has no heading #${anchor}`];
    }),
  );
  expect(broken).toEqual([]);
});

it("commands of all pages have arguments that the command takes", () => {
  const wrong = pages.flatMap((page) =>
    commandsOf(read(page)).flatMap(({ line, words: [name = "", ...words] }) => {
      if (words.includes("--help") || name === "help") return [];
      const command = commands.find(({ meta }) => meta.name === name);
      if (command === undefined) return [`${page}:${line}: there is no command ${name}`];
      try {
        checkArguments(name, words, command.args);
        return [];
      } catch (error) {
        return [`${page}:${line}: ${(error as Error).message}`];
      }
    }),
  );
  expect(wrong).toEqual([]);
});

it("docs/troubleshooting.md has messages that the code gives", () => {
  const messages = [...read("docs/troubleshooting.md").matchAll(/^### (.+)$/gm)].map(([, text = ""]) => text);
  expect(messages.length).toBeGreaterThan(20);
  const unknown = messages.filter((text) => {
    try {
      return (
        execFileSync("git", ["grep", "-lF", text, "--", "packages/*.ts", "apps/*.ts", "*.py"], { cwd: root }).length ===
        0
      );
    } catch {
      return true;
    }
  });
  expect(unknown).toEqual([]);
});

describe("spelling", () => {
  let speller: ReturnType<typeof nspell>;
  beforeAll(() => {
    speller = nspell(dictionary);
    for (const word of read("tools/docs/known-words.txt").split(/\s+/)) if (word !== "") speller.add(word);
  });

  it("of all pages is that of the dictionary, or of tools/docs/known-words.txt", () => {
    const known = new Map<string, boolean>();
    const isKnown = (word: string): boolean => {
      if (!known.has(word)) known.set(word, speller.correct(word) || speller.correct(word.replace(/'s$/, "")));
      return known.get(word)!;
    };
    const wrong = pages.flatMap((page) =>
      proseWords(read(page)).flatMap(({ line, word }) => (isKnown(word) ? [] : [`${page}:${line}: ${word}`])),
    );
    expect(wrong).toEqual([]);
  });

  it("finds a word that is wrong", () => {
    expect(proseWords("A `recieve` in code, a recieve outside.").map(({ word }) => word)).toContain("recieve");
    expect(speller.correct("recieve")).toBe(false);
  });
});
