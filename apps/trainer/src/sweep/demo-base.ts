/**
 * What `base: demo` stands for: the demonstration's model, data and recipe, the data as one file a source, drawn once
 * for a sweep.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeSamples } from "@v-triune/data-filters";
import {
  type SourcedQuestion,
  demoSourceNames,
  demoSources,
  drawQuestion,
  fingerprints,
  heldOutQuestions,
  toSample,
  toWideSample,
  wideSourceNames,
  writeHeldOutData,
} from "@v-triune/demo-tasks";
import { createRandom } from "@v-triune/rollouts";
import { writeFileAtomic } from "@v-triune/training/run-folder";
import { demoConfig } from "../demo/demo-config";
import { demoBaseModelFolder, demoModelFolder } from "../demo/run-demo";
import type { Variables } from "./sweep-file";

/** Questions of one source: 80 steps see none twice when seven sources are mixed, and 34 when three are. */
const perSource = 160;
const heldOutPerSource = 100;
/** The training data are the same for all seeds of a sweep; what differs is their order and the sampling. */
const dataSeed = 1;

/** What a sweep over the demonstration may name: the folder of its data, the base model of `demo --zero`, its own model. */
export const demoVariables = (folder: string): Variables => ({
  demo: folder,
  baseModel: demoBaseModelFolder,
  tunedModel: demoModelFolder,
});

/** Writes `wide.parquet` and `wide-held-out.parquet`, pictures on a larger, empty ground, unless they are there. */
async function writeWideData(folder: string, heldOut: ReadonlySet<string>): Promise<void> {
  const [train, evalData] = [join(folder, "wide.parquet"), join(folder, "wide-held-out.parquet")];
  const write = async (path: string, questions: readonly SourcedQuestion[]): Promise<void> => {
    const places = createRandom(dataSeed, 201);
    const samples = questions.map(({ source, question }, at) =>
      toWideSample(source, `${basename(path, ".parquet")}-${at}`, question, places),
    );
    await writeSamples(path, await Promise.all(samples), { toolParameters: true });
  };
  if (!existsSync(train)) {
    const random = createRandom(dataSeed, 200);
    const sources = Array.from({ length: perSource }, () => wideSourceNames).flat();
    await write(
      train,
      sources.map((source) => ({ source, question: drawQuestion(source, random, heldOut) })),
    );
  }
  if (!existsSync(evalData))
    await write(
      evalData,
      heldOutQuestions(heldOutPerSource).filter(({ source }) => wideSourceNames.includes(source)),
    );
}

/**
 * Writes `train/train_TASK_SOURCE_160.parquet`, `held-out.parquet`, the same for wide pictures, and `base.json` into a
 * folder, unless they are there.
 *
 * @returns the configuration's path
 */
export async function writeDemoBase(folder: string): Promise<string> {
  const train = join(folder, "train");
  await mkdir(train, { recursive: true });
  const there = await readdir(train);
  const heldOut = fingerprints(heldOutQuestions(heldOutPerSource));
  for (const [index, source] of demoSourceNames.entries()) {
    const name = `train_${demoSources[source].task}_${source}_${perSource}.parquet`;
    if (there.includes(name)) continue;
    const random = createRandom(dataSeed, 100 + index);
    await writeSamples(
      join(train, name),
      await Promise.all(
        Array.from({ length: perSource }, (_, at) =>
          toSample(source, `train-${at}`, drawQuestion(source, random, heldOut)),
        ),
      ),
    );
  }
  await writeWideData(folder, heldOut);
  const evalData = join(folder, "held-out.parquet");
  if (!existsSync(evalData)) await writeHeldOutData(evalData, heldOutPerSource);
  const { optimizer, run, update, ...config } = demoConfig({
    seed: 1,
    steps: 40,
    backend: "auto",
    samplesPerSource: heldOutPerSource,
    modelFolder: demoModelFolder,
    runFolder: folder,
    trainData: join(train, "*.parquet"),
    evalData,
  });
  // What follows from another key is left out, so that changing that one is enough: the groups' rates, the mini-batch.
  const { vision, connector, language } = optimizer.groups;
  const groups = {
    vision: { freeze: vision.freeze },
    connector: { freeze: connector.freeze },
    language: { freeze: language.freeze },
  };
  const path = join(folder, "base.json");
  const base = {
    ...config,
    run: { steps: run.steps },
    update: { microBatchTokens: update.microBatchTokens },
    optimizer: { ...optimizer, groups },
  };
  await writeFileAtomic(path, `${JSON.stringify(base, null, 2)}\n`);
  return path;
}
