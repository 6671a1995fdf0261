/** A run folder as the dashboard's run in memory: its description, numbers, evaluations and rollouts. */
import {
  type MetricRecord,
  parseRecordLine,
  type RolloutInMemory,
  RunInMemory,
  runDescription,
  type RunDescription,
  type SampleInMemory,
} from "@v-triune/monitor/browser";
import { DatasetError } from "@v-triune/schema";
import type { NamedFile } from "./file-kind";
import { openParquet } from "./parquet-file";
import { SampleFinder } from "./sample-finder";
import { readParquetRollouts, readRollouts, rolloutBytes, type ReadRollouts } from "./stored-rollouts";
import { textLines } from "./text-lines";

/** Bytes of rollouts that are held in memory; of more, those of the latest steps. */
const MOST_ROLLOUTS = 300e6;

const EVALUATION = /^eval(?:-([\w.-]{1,100}))?\.jsonl$/;
const ROLLOUTS = /^rollouts\/step-\d{6,12}\.parquet$/;
const CHECKPOINT = /^checkpoints\/step-(\d{6,12})\//;

/** The files of one run. */
export interface RunFiles {
  /** Name of the folder. */
  readonly name: string;
  /** Its path. */
  readonly folder: string;
  /** By path in the run folder. */
  readonly files: ReadonlyMap<string, NamedFile>;
  /** Corpus files beside it, in which samples are looked for. */
  readonly corpora: readonly NamedFile[];
}

/** Where a sample's pictures can be fetched from. */
export type PictureAddress = (bytes: Uint8Array) => string;

/** The run folders among files: those that have metrics.jsonl. */
export function runFolders(files: readonly NamedFile[]): RunFiles[] {
  const roots = files
    .filter(({ path }) => /(^|\/)metrics\.jsonl$/.test(path))
    .map(({ path }) => path.slice(0, -"metrics.jsonl".length))
    .sort();
  const corpora = files.filter(({ path }) => /\.parquet$/i.test(path) && !roots.some((root) => isOfRun(path, root)));
  return roots.map((root) => ({
    name: root.split("/").at(-2) ?? "run",
    folder: root === "" ? "run" : root.slice(0, -1),
    files: new Map(
      files.filter(({ path }) => path.startsWith(root)).map((file) => [file.path.slice(root.length), file]),
    ),
    corpora,
  }));
}

function isOfRun(path: string, root: string): boolean {
  return path.startsWith(root) && ROLLOUTS.test(path.slice(root.length));
}

/**
 * Reads a run folder.
 *
 * @throws DatasetError if a file is damaged
 */
export async function readRun({ name, files, corpora }: RunFiles, address: PictureAddress): Promise<RunInMemory> {
  const { description, problem } = await readDescription(files.get("run.json"));
  const run = new RunInMemory({
    id: name,
    description,
    sampleOf: sampleFrom(new SampleFinder(corpora), address),
    checkpointSteps: checkpointSteps(files),
  });
  if (problem !== null) run.notes.push(problem);
  const metrics = files.get("metrics.jsonl");
  if (metrics !== undefined) await readMetrics(run, metrics);
  for (const [path, file] of files) {
    const label = EVALUATION.exec(path);
    if (label === null) continue;
    run.writeEvaluation(label[1] ?? "eval", await allRecords(file));
  }
  await readSteps(
    run,
    [...files].filter(([path]) => ROLLOUTS.test(path)).map(([, file]) => file),
  );
  run.state = run.summary().step === run.summary().steps ? "finished" : "stopped";
  return run;
}

/** Reads a file of rollouts alone. */
export async function readRolloutFiles(
  files: readonly NamedFile[],
  corpora: readonly NamedFile[],
  address: PictureAddress,
): Promise<RunInMemory> {
  const run = new RunInMemory({
    id: files.length === 1 ? files[0]!.path : "rollouts",
    description: runDescription({}),
    sampleOf: sampleFrom(new SampleFinder(corpora), address),
  });
  run.state = "stopped";
  run.notes.push("Only rollouts were chosen: there are no metrics.");
  const read: ReadRollouts[] = [];
  for (const file of files) {
    const found = await readRollouts(file);
    read.push(found);
    if (found.bad > 0)
      run.notes.push(`Lines of ${file.path} that are no rollouts: ${found.bad}. The first: ${found.firstBad}`);
  }
  writeBySteps(run, read);
  return run;
}

function sampleFrom(
  finder: SampleFinder,
  address: PictureAddress,
): (id: string) => Promise<SampleInMemory | undefined> {
  const known = new Map<string, Promise<SampleInMemory | undefined>>();
  const find = async (id: string): Promise<SampleInMemory | undefined> => {
    const found = await finder.find(id);
    if (found === undefined) return undefined;
    return {
      reward: found.sample.reward_model,
      pictures: found.pictures.flatMap((bytes) => (bytes === null ? [] : [address(bytes)])),
    };
  };
  return (id) => {
    const answer = known.get(id) ?? find(id);
    known.set(id, answer);
    return answer;
  };
}

async function readDescription(
  file: NamedFile | undefined,
): Promise<{ readonly description: RunDescription; readonly problem: string | null }> {
  if (file === undefined) return { description: runDescription({}), problem: "The folder has no run.json." };
  try {
    return { description: runDescription(JSON.parse(await file.blob.text())), problem: null };
  } catch (error) {
    return { description: runDescription({}), problem: `run.json cannot be read: ${(error as Error).message}.` };
  }
}

async function readMetrics(run: RunInMemory, file: NamedFile): Promise<void> {
  let bad = 0;
  let records = 0;
  for await (const line of textLines(file)) {
    if (line.trim() === "") continue;
    const record = parseRecordLine(line);
    if (record === null) bad += 1;
    else {
      run.numbers.streams.take(record);
      records += 1;
    }
  }
  if (records === 0)
    throw new DatasetError({
      code: "wrong-layout",
      file: file.path,
      expected: "lines of metrics: step, split, scope, name and metrics",
      found: bad === 0 ? "an empty file" : `${bad} lines that are something else`,
      fix: "choose the folder of a run that has made a step",
    });
  if (bad > 0) run.notes.push(`Lines of metrics.jsonl that cannot be read: ${bad}.`);
  run.write([]);
}

async function allRecords(file: NamedFile): Promise<MetricRecord[]> {
  const records: MetricRecord[] = [];
  for await (const line of textLines(file)) {
    const record = parseRecordLine(line);
    if (record !== null) records.push(record);
  }
  return records;
}

function checkpointSteps(files: ReadonlyMap<string, NamedFile>): number[] {
  const steps = [...files.keys()].flatMap((path) => Number(CHECKPOINT.exec(path)?.[1] ?? Number.NaN));
  return [...new Set(steps.filter(Number.isFinite))].sort((a, b) => a - b);
}

/** Reads the latest steps first, as far as memory allows. */
async function readSteps(run: RunInMemory, files: readonly NamedFile[]): Promise<void> {
  const read: ReadRollouts[] = [];
  let bytes = 0;
  const latestFirst = files.toSorted((a, b) => (a.path < b.path ? 1 : -1));
  for (const [at, file] of latestFirst.entries()) {
    try {
      const parquet = await openParquet(file);
      bytes += rolloutBytes(parquet);
      if (bytes > MOST_ROLLOUTS && at > 0) {
        const left = latestFirst.length - at;
        run.notes.push(
          `The rollouts of the first ${left} stored steps are not shown: they are larger than this page can hold. ` +
            "Choose their files alone.",
        );
        break;
      }
      read.push(await readParquetRollouts(parquet));
    } catch (error) {
      if (!(error instanceof DatasetError)) throw error;
      run.notes.push(`The rollouts of ${file.path} are not shown. Expected: ${error.expected}. Found: ${error.found}.`);
    }
  }
  writeBySteps(run, read);
}

function writeBySteps(run: RunInMemory, read: readonly ReadRollouts[]): void {
  const steps = new Map<number, RolloutInMemory[]>();
  for (const rollout of read.flatMap(({ rollouts }) => rollouts)) {
    const own = steps.get(rollout.step);
    if (own === undefined) steps.set(rollout.step, [rollout]);
    else own.push(rollout);
  }
  for (const [step, rollouts] of [...steps].sort(([a], [b]) => a - b)) run.writeRollouts(step, rollouts);
}
