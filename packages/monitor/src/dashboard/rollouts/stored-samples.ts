/** The samples that rollouts answer, read from the data sets that the run's configuration names. */
import { dirname, resolve } from "node:path";
import { globPattern } from "@v-triune/node-kit/glob-pattern";
import { configValue } from "../config-value";
import type { RunView } from "../run-folder/run-view";
import type { QueryQueue } from "./query-queue";
import { sampleReward, type SampleReward } from "./reward-arithmetic";
import { parseJson, text } from "./row-values";
import { samplePicture, type Picture } from "./sample-picture";

const KEPT_SAMPLES = 256;

export interface StoredSample extends SampleReward {
  /** In the order of the prompt; undefined for a picture that cannot be read. */
  readonly pictures: readonly (Picture | undefined)[];
}

export class StoredSamples {
  readonly #queries: QueryQueue;
  readonly #samples = new Map<string, StoredSample | null>();

  constructor(queries: QueryQueue) {
    this.#queries = queries;
  }

  /**
   * @param id as the trainer makes it: `source/id`, or `source/file:row` if the sample has no id
   * @returns null if no data set of the run has it
   */
  async find(run: RunView, id: string, source: string): Promise<StoredSample | null> {
    const key = JSON.stringify([run.folder, id]);
    const known = this.#samples.get(key);
    if (known !== undefined) return known;
    const own = id.startsWith(`${source}/`) ? id.slice(source.length + 1) : id;
    let found: StoredSample | null = null;
    for (const path of dataPaths(run)) {
      found = await this.#read(path, source, own).catch(() => null);
      if (found !== null) break;
    }
    if (this.#samples.size >= KEPT_SAMPLES) this.#samples.delete(this.#samples.keys().next().value!);
    this.#samples.set(key, found);
    return found;
  }

  async #read(path: string, source: string, own: string): Promise<StoredSample | null> {
    const place = /:(\d{1,15})$/.exec(own);
    const rows = await this.#queries.rows(
      `select images, to_json(reward_model)::VARCHAR as "reward_model", filename
       from read_parquet($path, filename = true, file_row_number = true, hive_partitioning = false)
       where data_source = $source and (
         extra_info.id::VARCHAR = $own
         or (extra_info.id is null and file_row_number = $row
           and (ends_with(filename, $file) or ends_with($file, filename)))
       )
       limit 1`,
      {
        path,
        source,
        own,
        row: place === null ? -1n : BigInt(place[1]!),
        file: place === null ? "" : own.slice(0, place.index),
      },
    );
    const row = rows[0];
    if (row === undefined) return null;
    const images = Array.isArray(row.images) ? (row.images as unknown[]) : [];
    const folder = dirname(text(row.filename));
    return {
      ...sampleReward(parseJson(row.reward_model)),
      pictures: await Promise.all(images.map((image) => samplePicture(image, folder))),
    };
  }
}

/** The data sets that a run's configuration names, as patterns for DuckDB; relative paths start from the run folder. */
function dataPaths(run: RunView): string[] {
  const sets = [configValue(run.config, ["data", "train"]), configValue(run.config, ["data", "eval"])].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  const paths = sets
    .map((set) => text(configValue(set, ["path"])))
    .filter((path) => path !== "" && !path.includes("://"));
  return [...new Set(paths.map((path) => globPattern(resolve(run.folder, path))))];
}
