/** What a person's files are: the page shows each kind in its own way, and says what it expected of the others. */
import { DatasetError } from "@v-triune/schema";
import { BESIDE_A_CORPUS, curationFiles, type CurationFiles } from "./curation-files";
import { formatOf, headOf, isParquet, notParquet, type NamedFile } from "./file-kind";
import { MOST_FILES } from "./most-files";
import { openParquet } from "./parquet-file";
import { runFolders, type RunFiles } from "./run-folder";
import { holdsRollouts } from "./stored-rollouts";

/** What can be shown. */
export type Chosen =
  | {
      readonly kind: "corpus";
      /** In the order of their names. */
      readonly files: readonly NamedFile[];
    }
  /** The result of `v-triune curate`. */
  | { readonly kind: "curation"; readonly curation: CurationFiles }
  | { readonly kind: "runs"; readonly runs: readonly RunFiles[] }
  /** Corpora may have the samples that the rollouts answer. */
  | { readonly kind: "rollouts"; readonly files: readonly NamedFile[]; readonly corpora: readonly NamedFile[] };

const EXPECTED =
  "a Parquet file in the layout of a corpus, a file of rollouts (.parquet or .jsonl), a run folder with " +
  "metrics.jsonl, the output folder of v-triune curate, or a folder with corpus files";

/** @throws DatasetError if nothing of it can be shown; it says what was found */
export async function recognize(files: readonly NamedFile[]): Promise<Chosen> {
  const [only] = files;
  if (only === undefined)
    throw new DatasetError({
      code: "missing-file",
      expected: EXPECTED,
      found: "a folder without files",
      fix: "choose another folder",
    });
  if (files.length > MOST_FILES)
    throw new DatasetError({
      code: "wrong-layout",
      expected: `a folder with at most ${MOST_FILES} files`,
      found: "more",
      fix: "choose the folder of one run or one corpus",
    });
  const runs = runFolders(files);
  if (runs.length > 0) return { kind: "runs", runs };
  const curation = curationFiles(files);
  if (curation !== undefined) return { kind: "curation", curation };
  const parquet: NamedFile[] = [];
  for (const file of files) {
    if (BESIDE_A_CORPUS.test(nameOf(file.path)) && files.length > 1) continue;
    if (/\.parquet$/i.test(file.path) || (files.length === 1 && isParquet(await headOf(file)))) parquet.push(file);
  }
  if (parquet.length > 0) return await ofParquet(parquet);
  const lines = files.filter(({ path }) => /\.jsonl$/i.test(path));
  if (lines.length > 0) return { kind: "rollouts", files: lines, corpora: [] };
  throw new DatasetError({
    code: "wrong-layout",
    file: files.length === 1 ? only.path : only.path.split("/").slice(0, -1)[0],
    expected: EXPECTED,
    found: files.length === 1 ? formatOf(await headOf(only)) : `${files.length} files: ${firstNames(files)}`,
    fix: "choose the data themselves, or the folder that holds them",
  });
}

/** Rollouts and corpora are told apart by their columns. A damaged file is opened by what shows it, which says so. */
async function ofParquet(files: readonly NamedFile[]): Promise<Chosen> {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  if (files.length === 1 && !isParquet(await headOf(files[0]!))) throw await notParquet(files[0]!);
  const rollouts: NamedFile[] = [];
  for (const file of sorted) {
    const parquet = await openParquet(file).catch(() => undefined);
    if (parquet !== undefined && holdsRollouts(parquet)) rollouts.push(file);
  }
  if (rollouts.length === 0) return { kind: "corpus", files: sorted };
  return { kind: "rollouts", files: rollouts, corpora: sorted.filter((file) => !rollouts.includes(file)) };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function firstNames(files: readonly NamedFile[]): string {
  const names = files.map(({ path }) => nameOf(path));
  return names.length > 4 ? `${names.slice(0, 4).join(", ")}, ..` : names.join(", ");
}
