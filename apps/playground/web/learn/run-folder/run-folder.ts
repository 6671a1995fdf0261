/**
 * The folder of a run that was trained in a tab, as `v-triune train` would have left it: the dashboard opens it, and
 * `v-triune train FOLDER --resume` goes on with it. The model that the run began with and its data lie in it, too, and
 * run.json names them by paths that start in the folder.
 */
import { FULL_LAYOUT } from "@v-triune/data-filters/browser";
import { formatRecordLine, type MetricRecord } from "@v-triune/monitor/browser";
import type { MemorySample, StoredRollout } from "@v-triune/training/browser";
import { zipSync, type ZipOptions } from "fflate";
import { pack, unpack } from "../packed";
import { pngOf } from "../png";
import { FOLDER_PATHS } from "./folder-paths";
import { parquetFile } from "./parquet-file";
import { rolloutFile } from "./rollout-columns";

const fileOfStep = (step: number): string => `step-${String(step).padStart(6, "0")}`;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Weights and pictures hardly get smaller. */
const STORED: ZipOptions = { level: 0 };

/** Gathers what a run writes while it goes on, packed, so that a long run takes little memory. */
export class RunFolder {
  readonly #description: unknown;
  /** Lines of metrics.jsonl. */
  readonly #lines: Uint8Array[] = [];
  /** By their step. */
  readonly #rollouts = new Map<number, Uint8Array>();

  /** @param description contents of run.json */
  constructor(description: unknown) {
    this.#description = description;
  }

  write(records: readonly MetricRecord[]): void {
    this.#lines.push(pack(records.map((record) => `${formatRecordLine(record)}\n`).join("")));
  }

  writeRollouts(step: number, rollouts: readonly StoredRollout[]): void {
    this.#rollouts.set(step, pack(rollouts.map((rollout) => ({ ...rollout, tokenIds: [...rollout.tokenIds] }))));
  }

  /** What was written of a step. */
  rollouts(step: number): StoredRollout[] {
    const packed = this.#rollouts.get(step);
    if (packed === undefined) return [];
    const rollouts = unpack(packed) as readonly (Omit<StoredRollout, "tokenIds"> & { tokenIds: readonly number[] })[];
    return rollouts.map((rollout) => ({ ...rollout, tokenIds: Int32Array.from(rollout.tokenIds) }));
  }

  /** Contents of metrics.jsonl. */
  metrics(): string {
    return this.#lines.map((packed) => unpack(packed) as string).join("");
  }

  /**
   * @param name of the folder in the archive
   * @returns a ZIP archive
   */
  zip(name: string, { step, checkpoint, model, train, heldOut }: FolderParts): Uint8Array<ArrayBuffer> {
    const files: Record<string, Uint8Array | [Uint8Array, ZipOptions]> = {
      "run.json": utf8(`${JSON.stringify(this.#description, null, 2)}\n`),
      "metrics.jsonl": utf8(this.metrics()),
      [FOLDER_PATHS.train]: [corpusFile(train), STORED],
      [FOLDER_PATHS.eval]: [corpusFile(heldOut), STORED],
    };
    for (const made of this.#rollouts.keys())
      files[`rollouts/${fileOfStep(made)}.parquet`] = [rolloutFile(this.rollouts(made)), STORED];
    for (const [file, bytes] of model) files[`${FOLDER_PATHS.model}/${file}`] = [bytes, STORED];
    for (const [file, bytes] of checkpoint) files[`checkpoints/${fileOfStep(step)}/${file}`] = [bytes, STORED];
    const named = Object.fromEntries(Object.entries(files).map(([path, file]) => [`${name}/${path}`, file]));
    return zipSync(named) as Uint8Array<ArrayBuffer>;
  }
}

/** What is made for the folder alone. */
export interface FolderParts {
  /** Steps made when the checkpoint was taken. */
  readonly step: number;
  /** Files of the checkpoint and of the model before training, by name. */
  readonly checkpoint: ReadonlyMap<string, Uint8Array>;
  readonly model: ReadonlyMap<string, Uint8Array>;
  readonly train: readonly MemorySample[];
  readonly heldOut: readonly MemorySample[];
}

/** Samples with their pictures as a corpus file. */
function corpusFile(samples: readonly MemorySample[]): Uint8Array {
  return parquetFile(
    FULL_LAYOUT,
    samples.map((drawn) => ({ ...drawn.sample, images: [{ bytes: pngOf(drawn), path: null }] })),
  );
}
