// Part of the build: the page's script and style for the published package.
import { mkdirSync, writeFileSync } from "node:fs";
import { buildPage } from "./build-page.mjs";

const dist = new URL("../dist/", import.meta.url);
mkdirSync(dist, { recursive: true });
writeFileSync(new URL("page.json", dist), JSON.stringify(await buildPage()));
