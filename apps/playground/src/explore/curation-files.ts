/** The output folder of `v-triune curate`: its corpus files, and its report as the page that the command wrote. */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { NamedFile } from "./file-kind";

/** Files that lie beside those of a corpus. */
export const BESIDE_A_CORPUS = /^(ledger|contamination|suspicious-golds|_.*)\.parquet$/;

/** The files of one output folder. */
export interface CurationFiles {
  readonly folder: string;
  /** report.json */
  readonly summary: NamedFile;
  /** report.html; null if the folder lacks it. */
  readonly page: NamedFile | null;
  /** In the order of their names. */
  readonly corpora: readonly NamedFile[];
}

/** The first folder among files that has report.json and ledger.parquet. */
export function curationFiles(files: readonly NamedFile[]): CurationFiles | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const summary = files.find(
    ({ path }) => /(^|\/)report\.json$/.test(path) && byPath.has(path.replace(/report\.json$/, "ledger.parquet")),
  );
  if (summary === undefined) return undefined;
  const root = summary.path.slice(0, -"report.json".length);
  const corpora = files.filter(({ path }) => {
    const name = path.slice(root.length);
    return path.startsWith(root) && /^[^/]+\.parquet$/.test(name) && !BESIDE_A_CORPUS.test(name);
  });
  return {
    folder: root.slice(0, -1),
    summary,
    page: byPath.get(`${root}report.html`) ?? null,
    corpora: corpora.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

/** What is odd about an output folder, in sentences: its report names files that it does not have. */
export async function curationProblems({ summary, page, corpora, folder }: CurationFiles): Promise<string[]> {
  const problems = page === null ? ["The folder has no report.html: its report cannot be shown."] : [];
  let report: unknown;
  try {
    report = JSON.parse(await summary.blob.text());
  } catch (error) {
    return [...problems, `report.json cannot be read: ${(error as Error).message}.`];
  }
  const named = isRecord(report) && Array.isArray(report["files"]) ? (report["files"] as unknown[]) : [];
  const names = named.flatMap((file) => (isRecord(file) && typeof file["name"] === "string" ? [file["name"]] : []));
  const present = new Set(corpora.map(({ path }) => path.slice(folder.length + 1)));
  const missing = names.filter((name) => !present.has(name));
  if (missing.length > 0) problems.push(`The report names files that the folder does not have: ${missing.join(", ")}.`);
  return problems;
}

/**
 * What the report's page may do in its frame: run its own script and show its own pictures. It stands before the
 * page, which a person may have from somebody else.
 */
const POLICY =
  `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; ` +
  `style-src 'unsafe-inline'; img-src data:">`;

/** The report's page with its policy. */
export function framedReport(html: string): string {
  const start = /^\s*<!doctype html>/i.exec(html)?.[0] ?? "";
  return `${start}${POLICY}${html.slice(start.length)}`;
}
