// Part of the build: what the published package serves, and the licenses of the libraries that are inside it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { buildPage } from "./build-page.mjs";

const dist = new URL("../dist/", import.meta.url);
mkdirSync(dist, { recursive: true });
writeFileSync(new URL("page.json", dist), JSON.stringify(await buildPage()));

const require = createRequire(import.meta.url);
const licenses = ["preact", "uplot"].map((name) => {
  const text = readFileSync(join(dirname(require.resolve(`${name}/package.json`)), "LICENSE"), "utf8");
  return `page.json contains ${name}:\n\n${text.trim()}\n`;
});
writeFileSync(new URL("third-party-licenses.txt", dist), licenses.join("\n\n"));
