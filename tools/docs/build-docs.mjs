/**
 * npm run docs: the docs site in `dist/docs`, from README.md, docs/*.md, the commands' help texts and the doc comments
 * of every package. Static files with relative links: they work under any path, and the search needs no server.
 *
 *     node tools/docs/build-docs.mjs [--out FOLDER] [--without-api]
 *
 * --without-api leaves the packages out: seconds instead of minutes, to look at a page that you write.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  Application,
  Converter,
  DefaultTheme,
  DocumentReflection,
  KindRouter,
  PageEvent,
  ReflectionKind,
} from "typedoc";
import { publishedPackages, root } from "../workspace.mjs";
import { contents } from "./contents.mjs";

const { values: options } = parseArgs({
  options: { out: { type: "string" }, "without-api": { type: "boolean", default: false } },
});
const out = resolve(options.out ?? join(root, "dist/docs"));
const work = mkdtempSync(join(root, "node_modules/.cache-docs-"));

/** Entry points that users import, by source file; parity and testing helpers are for this repository. */
const modules = new Map(
  options["without-api"]
    ? []
    : publishedPackages(root).flatMap(({ manifest, folder }) =>
        Object.entries(manifest.exports)
          .filter(([path, target]) => typeof target === "object" && !/parity|testing|worker|arguments/.test(path))
          .map(([path, target]) => [join(root, folder, target["@v-triune/source"]), manifest.name + path.slice(1)]),
      ),
);

/** Where a page lies in the site, by its file; its title is its first heading. */
const listed = new Set(contents.flatMap(({ pages }) => pages));
const unlisted = readdirSync(join(root, "docs"), { recursive: true })
  .filter((file) => file.endsWith(".md"))
  .map((file) => file.slice(0, -3))
  .filter((page) => !listed.has(page));
const pages = new Map(
  [...contents, { group: "More", pages: unlisted }].flatMap(({ group, pages }) =>
    pages.map((page) => {
      const file = join(root, "docs", `${page}.md`);
      return [file, { group, path: `docs/${page.replace(/README$/, "index")}`, title: titleOf(file) }];
    }),
  ),
);

for (const { folder } of publishedPackages(root)) {
  const file = join(root, folder, "README.md");
  pages.set(file, { group: "Packages", path: folder.replace(/^apps/, "packages"), title: titleOf(file) });
}

function titleOf(file) {
  return /^# (.+)$/m.exec(readFileSync(file, "utf8"))[1].replaceAll("`", "");
}

/** Names a page by its file, so that its address stays when its title changes. */
class DocsRouter extends KindRouter {
  getIdealBaseName(reflection) {
    const page = reflection instanceof DocumentReflection ? pageOf(reflection) : undefined;
    return page?.path ?? super.getIdealBaseName(reflection);
  }
}

/** Groups pages as contents.mjs has them, the packages under one heading after them. */
class DocsTheme extends DefaultTheme {
  buildNavigation(project) {
    const documents = project.documents ?? [];
    const link = (reflection, text) => ({
      text,
      path: this.router.getFullUrl(reflection),
      kind: reflection.kind,
      class: "docs-page",
    });
    const reflections = new Map(documents.map((document) => [fileOf(document), document]));
    const groups = new Map();
    for (const [file, { group, title }] of pages)
      groups.set(group, [...(groups.get(group) ?? []), link(reflections.get(file), title)]);
    const api = super.buildNavigation(project).filter(({ kind }) => kind === ReflectionKind.Module);
    return [
      ...[...groups].map(([text, children]) => ({ text, children })),
      ...(api.length === 0 ? [] : [{ text: "API", children: api }]),
    ];
  }
}

const fileOf = (document) => document.project.files.getReflectionPath(document);
const pageOf = (document) => pages.get(fileOf(document));

const commandLine = join(work, "command-line.md");
writeFileSync(
  commandLine,
  execFileSync(process.execPath, [join(root, "tools/run.mjs"), "tools/docs/command-line-page.ts"], { cwd: root }),
);
pages.set(commandLine, { group: "Train", path: "docs/command-line", title: "Command line" });

try {
  const app = await Application.bootstrap({
    name: "V-Triune",
    readme: join(root, "README.md"),
    projectDocuments: [...pages.keys()],
    entryPoints: [...modules.keys()],
    tsconfig: join(root, "tsconfig.json"),
    // npm test has checked the types.
    skipErrorChecking: true,
    excludePrivate: true,
    excludeInternal: true,
    disableGit: true,
    disableSources: true,
    sort: ["alphabetical"],
    sortEntryPoints: true,
    searchInDocuments: true,
    searchInComments: true,
    navigationLinks: { "Command line": "docs/command-line.html" },
    customCss: join(root, "tools/docs/docs-site.css"),
    highlightLanguages: ["typescript", "javascript", "json", "yaml", "bash", "python", "sql", "nginx", "html", "xml"],
    ignoredHighlightLanguages: ["text", "dockerfile"],
    validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: false },
    treatValidationWarningsAsErrors: false,
    hideGenerator: true,
    router: "docs",
    theme: "docs",
    logLevel: "Warn",
    out,
  });
  app.renderer.defineRouter("docs", DocsRouter);
  app.renderer.defineTheme("docs", DocsTheme);
  // What is wider than the screen scrolls by itself, also with the keyboard.
  app.renderer.on(PageEvent.END, (page) => {
    const region = '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>';
    page.contents = page.contents
      .replaceAll("<pre>", '<pre tabindex="0">')
      .replaceAll("<table>", region)
      .replaceAll("</table>", "</table></div>");
  });
  const bySource = new Map(
    [...modules].map(([file, name]) => [relative(root, file).replace(/(\/index)?\.ts$/, ""), name]),
  );
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) module.name = bySource.get(module.name) ?? module.name;
    for (const document of project.documents ?? []) document.name = pageOf(document).title;
  });
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc could not read the packages; its messages are above.");
  app.validate(project);
  await app.generateOutputs(project);
  console.log(`${relative(process.cwd(), join(out, "index.html"))}`);
  if (app.logger.hasErrors()) process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
