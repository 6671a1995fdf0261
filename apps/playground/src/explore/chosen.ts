/** What a person's files are: the page shows each kind in its own way, and says what it expected of the others. */
import { DatasetError } from "@v-triune/schema";
import { formatOf, headOf, isParquet, notParquet, type NamedFile } from "./file-kind";

/** What can be shown. */
export interface Chosen {
  readonly kind: "corpus";
  /** In the order of their names. */
  readonly files: readonly NamedFile[];
}

const EXPECTED = "a Parquet file in the layout of a corpus, or a folder with such files";

/** Files for people that lie beside those of a corpus. */
const BESIDE_A_CORPUS = /^(ledger|contamination|suspicious-golds|_.*)\.parquet$/;

/**
 * @throws DatasetError if nothing of it can be shown; it says what was found
 */
export async function recognize(files: readonly NamedFile[]): Promise<Chosen> {
  const [only] = files;
  if (only === undefined)
    throw new DatasetError({
      code: "missing-file",
      expected: EXPECTED,
      found: "a folder without files",
      fix: "choose another folder",
    });
  if (files.length === 1) {
    if (isParquet(await headOf(only))) return { kind: "corpus", files };
    if (/\.parquet$/i.test(only.path)) throw await notParquet(only);
    throw new DatasetError({
      code: "wrong-layout",
      file: only.path,
      expected: EXPECTED,
      found: formatOf(await headOf(only)),
      fix: "choose the data themselves",
    });
  }
  const parquet = files.filter(({ path }) => /\.parquet$/i.test(path) && !BESIDE_A_CORPUS.test(nameOf(path)));
  if (parquet.length > 0) return { kind: "corpus", files: parquet.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
  throw new DatasetError({
    code: "wrong-layout",
    file: only.path.includes("/") ? only.path.slice(0, only.path.indexOf("/")) : undefined,
    expected: EXPECTED,
    found: `${files.length} files, none of them Parquet: ${firstNames(files)}`,
    fix: "choose a folder of a corpus",
  });
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function firstNames(files: readonly NamedFile[]): string {
  const names = files.map(({ path }) => nameOf(path));
  return names.length > 4 ? `${names.slice(0, 4).join(", ")}, ..` : names.join(", ");
}
