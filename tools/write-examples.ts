/** npm run examples: writes the files of `examples/` into the Markdown pages that show them. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { pagesWithExamples, withExamples } from "./examples/markdown-examples";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const page of pagesWithExamples(root)) {
  const before = readFileSync(join(root, page), "utf8");
  const after = withExamples(before, (file) => readFileSync(join(root, file), "utf8"));
  if (after === before) continue;
  writeFileSync(join(root, page), after);
  console.log(page);
}
