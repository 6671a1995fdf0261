import { expect, it } from "vitest";
import { bundle } from "../testing/bundle";

it.each(["autoevals", "evalite", "langsmith", "mastra", "promptfoo"])("the adapter for %s is under 3 KB", (name) => {
  const { outputFiles } = bundle(new URL(`./${name}.ts`, import.meta.url), {
    minify: true,
    conditions: ["@v-triune/source"],
    external: ["@v-triune/errors"],
  });
  expect(outputFiles[0]!.contents.length).toBeLessThan(3 * 1024);
});
