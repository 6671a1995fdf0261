/**
 * The page: one HTML with its script and style inside, so that it needs no second request and a report can be one file.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ReportData } from "../dashboard-api";
import { DashboardError } from "../dashboard-error";
import type { EditAccess } from "./edit-guard";
import { packageFolder } from "./package-folder";

/** The parts of the page, as the build leaves them. */
interface PageParts {
  /** Asks a server for what the page shows first, from the head. */
  readonly first: string;
  readonly script: string;
  readonly style: string;
}

// oxlint-disable-next-line v-triune/module-state -- a cache: the page's parts are the same for the whole process
let parts: Promise<PageParts> | undefined;

/** In a clone the page is bundled at once from web/; from npm it lies in dist/. */
async function loadParts(): Promise<PageParts> {
  const folder = packageFolder();
  const builder = join(folder, "web", "build-page.mjs");
  if (existsSync(builder))
    return await ((await import(pathToFileURL(builder).href)) as { buildPage: () => Promise<PageParts> }).buildPage();
  const built = join(folder, "dist", "page.json");
  try {
    return JSON.parse(await readFile(built, "utf8")) as PageParts;
  } catch (cause) {
    throw new DashboardError({
      what: "The dashboard's page is missing.",
      where: built,
      fix: "install @v-triune/monitor again, or build it with npm run build",
      cause,
    });
  }
}

/** JSON that can stand inside a script element: no `<` ends it. */
export function jsonInHtml(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

const hashOf = (content: string): string => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;

export interface Page {
  readonly html: string;
  /** Lets the page's own script and style run, and nothing else. */
  readonly contentSecurityPolicy: string;
}

interface ServedPage {
  readonly report?: never;
  readonly edits: EditAccess;
  /** Of the server's ChangeFeed: what changes from here on is told. */
  readonly moment: string;
}

/** What the page is made for: a report with its data, or a server that allows changes or not. */
export type PageUse = { readonly report: ReportData } | ServedPage;

/** @throws DashboardError when the page was not built */
export async function makePage(use: PageUse): Promise<Page> {
  const { report } = use;
  parts ??= loadParts();
  const { first, script, style } = await parts;
  const scripts = report === undefined ? [first, script] : [script];
  const pictures = report === undefined ? "'self' data: blob:" : "data: blob:";
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashOf).join(" ")}`,
    `style-src ${hashOf(style)}`,
    `img-src ${pictures}`,
    `connect-src ${report === undefined ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const data =
    report === undefined ? "" : `<script type="application/json" id="report">${jsonInHtml(report)}</script>\n`;
  const edits =
    use.report !== undefined ? "no" : typeof use.edits === "string" ? use.edits : `secret ${use.edits.secret}`;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="edits" content="${edits}">${use.report === undefined ? `\n<meta name="moment" content="${use.moment}">` : ""}
${report === undefined ? `<script>${first}</script>\n` : ""}<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>V-Triune monitor</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
${data}<script type="module">${script}</script>
</body>
</html>
`;
  return { html, contentSecurityPolicy: `${policy}; frame-ancestors 'none'` };
}
