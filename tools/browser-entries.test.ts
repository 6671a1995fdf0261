/** What the packages promise to a browser: these entries need nothing of Node. */
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

interface Esbuild {
  build(options: object): Promise<{
    readonly warnings: readonly unknown[];
    readonly metafile: {
      readonly outputs: Readonly<Record<string, { readonly imports: readonly { path: string }[] }>>;
    };
  }>;
}
const esbuild = createRequire(createRequire(import.meta.url).resolve("tsup"))("esbuild") as Esbuild;

/** Entries that a page imports; packages below them are found by the same conditions. */
const entries = [
  "@v-triune/errors",
  "@v-triune/schema",
  "@v-triune/verifiers",
  "@v-triune/verifiers/answer",
  "@v-triune/verifiers/math",
  "@v-triune/verifiers/detection",
  "@v-triune/rewards",
  "@v-triune/rewards/builtin-verifiers",
  "@v-triune/backend/browser",
  "@v-triune/grpo",
  "@v-triune/policy/browser",
  "@v-triune/rollouts/browser",
  "@v-triune/data-filters/browser",
  "@v-triune/monitor/browser",
  "@v-triune/demo-tasks/questions",
  "@v-triune/training/browser",
];

/**
 * Bundles entries for a browser.
 *
 * @returns what each of them still imports
 */
async function leftOver(names: readonly string[]): Promise<Map<string, readonly string[]>> {
  const { metafile, warnings } = await esbuild.build({
    absWorkingDir: resolve(root, "apps/trainer"),
    entryPoints: names.map((name, index) => ({ in: name, out: String(index) })),
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["@v-triune/source-browser", "@v-triune/source"],
    external: ["node:*", "sharp"],
    outdir: "out",
    metafile: true,
    logLevel: "silent",
  });
  expect(warnings).toEqual([]);
  return new Map(
    names.map((name, index) => [name, metafile.outputs[`out/${index}.js`]!.imports.map(({ path }) => path)]),
  );
}

it("entries for a browser import nothing of Node", async () => {
  const found = await leftOver([...entries, "@v-triune/policy/conformance"]);
  // It writes files: a bundle shows what needs Node.
  expect(found.get("@v-triune/policy/conformance")).toContain("node:fs");
  expect(Object.fromEntries(entries.map((name) => [name, found.get(name)]))).toEqual(
    Object.fromEntries(entries.map((name) => [name, []])),
  );
});
