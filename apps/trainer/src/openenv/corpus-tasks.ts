/**
 * The tasks of `v-triune serve --openenv`: the rows of a corpus, its pictures as data URIs. What a row says of its
 * reward stays at the server.
 */
import { openSampleSet } from "@v-triune/data-filters";
import { chatMessages, pictureUrls } from "@v-triune/engines";
import { splitImageMarks } from "@v-triune/policy";
import { type EnvironmentTask, TaskError, type TaskMessage, type TaskSet } from "@v-triune/reward-server";
import { type BoxNaming, boxParameters } from "@v-triune/rollouts";
import { DatasetError, type Sample, parseParquetFileName } from "@v-triune/schema";

export interface CorpusTasksOptions {
  /** Names that samples may give their verifier. */
  readonly verifiers: readonly string[];
  /** In which convention answers' boxes are read. Default: what each sample says. */
  readonly boxes?: BoxNaming | undefined;
  /** Told when rows are copied for quick reading, and when they cannot be. */
  readonly onNotice?: (message: string) => void;
}

/**
 * Opens a corpus as tasks. Files named `train_*` and `test_*` are splits of these names; all other files are `train`.
 *
 * @param path a file, a folder or a glob
 * @throws DatasetError for a missing or damaged file
 */
export async function openCorpusTasks(path: string, options: CorpusTasksOptions): Promise<TaskSet> {
  const { verifiers, boxes, onNotice } = options;
  const set = await openSampleSet(path, {
    verifiers,
    rowStore: { tell: ({ message }) => onNotice?.(message) },
  });
  const rows = new Map<string, number[]>();
  const sources = new Set<string>();
  for (let row = 0; row < set.length; row++) {
    const split = parseParquetFileName(set.placeOf(row).file)?.split ?? "train";
    rows.set(split, rows.get(split) ?? []);
    rows.get(split)!.push(row);
    sources.add(set.sourceOf(row));
  }
  if (set.length === 0) {
    set.close();
    throw new DatasetError({ code: "bad-value", file: path, expected: "at least one row", found: "none" });
  }
  const names = [...rows.keys()].sort((a, b) => Number(b === "train") - Number(a === "train") || (a < b ? -1 : 1));
  const rowOf = (split: string, index: number) => rows.get(split)![index]!;
  return {
    description:
      `Visual questions with one answer each, judged by V-Triune's verifiers: ${set.length} tasks from ` +
      `${[...sources].sort().join(", ")}.`,
    splits: names.map((name) => ({ name, count: rows.get(name)!.length })),
    sourceOf: (split, index) => set.sourceOf(rowOf(split, index)),
    async read(split, index) {
      const [sample] = await set.read([rowOf(split, index)]);
      if (sample === undefined || sample instanceof DatasetError) throw new TaskError(oneLine(sample));
      return toTask(sample, `task ${index} of ${split}`, boxes);
    },
  };
}

async function toTask(sample: Sample, name: string, boxes: BoxNaming | undefined): Promise<EnvironmentTask> {
  const { reward_model: reward, prompt, data_source: dataSource, extra_info: extra } = sample;
  return {
    id: extra.id,
    dataSource,
    messages: await messagesOf(sample, name),
    reward: {
      verifier: reward.verifier,
      sample: {
        groundTruth: reward.ground_truth,
        prompt: prompt.map(({ content }) => content).join("\n"),
        dataSource,
        params: { ...reward.verifier_parm, ...boxParameters(sample, boxes), image_path: extra.image_path },
      },
      accuracyRatio: reward.accuracy_ratio,
      formatRatio: reward.format_ratio,
    },
  };
}

async function messagesOf(sample: Sample, name: string): Promise<TaskMessage[]> {
  const pictures = await pictureUrls(sample).catch((error: unknown) => {
    throw new TaskError(`${name}: ${(error as Error).message}`);
  });
  // The set has checked that there is one mark for each picture.
  return chatMessages(splitImageMarks(sample.prompt, pictures.length, name), pictures);
}

const oneLine = (error: Error | undefined): string => (error?.message ?? "no such row").replace(/\s*\n\s*/g, "; ");
