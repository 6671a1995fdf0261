/** Finds the sample that a rollout answers among corpus files that were chosen with the run. */
import type { Sample } from "@v-triune/schema";
import { CorpusFile } from "./corpus-file";
import type { NamedFile } from "./file-kind";

/** A sample with its pictures. */
export interface FoundSample {
  readonly sample: Sample;
  /** Null where the file has only a path. */
  readonly pictures: readonly (Uint8Array | null)[];
}

interface Place {
  readonly corpus: CorpusFile;
  readonly row: number;
}

/** Corpus files by the ids of their samples; files are read when the first sample is asked for. */
export class SampleFinder {
  readonly #files: readonly NamedFile[];
  #places: Promise<ReadonlyMap<string, Place>> | undefined;

  constructor(files: readonly NamedFile[]) {
    this.#files = files;
  }

  /**
   * @param id as the trainer makes it: `source/id`, or `source/file:row` if the sample has no id
   * @returns undefined if none of the files has it
   */
  async find(id: string): Promise<FoundSample | undefined> {
    this.#places ??= this.#read();
    const place = (await this.#places).get(id);
    if (place === undefined) return undefined;
    const [row] = await place.corpus.rows([place.row]);
    return row?.sample ? { sample: row.sample, pictures: await place.corpus.pictures(place.row) } : undefined;
  }

  async #read(): Promise<ReadonlyMap<string, Place>> {
    const places = new Map<string, Place>();
    for (const file of this.#files) {
      // A file of another layout is not of the run's data.
      const corpus = await CorpusFile.open(file).catch(() => undefined);
      if (corpus === undefined) continue;
      for await (const { row, source, id } of corpus.ids())
        for (const key of id === null ? fileKeys(source, file.path, row) : [`${source}/${id}`])
          if (!places.has(key)) places.set(key, { corpus, row });
    }
    return places;
  }
}

/** The run names a file by its own path, of which the chosen folder has the end. */
function fileKeys(source: string, path: string, row: number): string[] {
  const parts = path.split("/");
  return parts.map((_, from) => `${source}/${parts.slice(from).join("/")}:${row}`);
}
