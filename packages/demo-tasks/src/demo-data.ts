import { writeSamples } from "@v-triune/data-filters";
import type { Sample } from "@v-triune/schema";
import { heldOutQuestions, trainingQuestions } from "./question-stream";
import { toSample } from "./to-sample";

/** The held-out samples, the same for every seed: `perSource` of each source. */
export async function writeHeldOutData(path: string, perSource: number): Promise<void> {
  const questions = heldOutQuestions(perSource);
  await writeSamples(
    path,
    await Promise.all(questions.map(({ source, question }, index) => toSample(source, `held-out-${index}`, question))),
  );
}

/**
 * `perSource` training samples of each source, drawn from the seed; none shows a held-out picture with its question.
 */
export async function writeTrainingData(path: string, perSource: number, seed: number): Promise<void> {
  const samples: Promise<Sample>[] = [];
  for (const { source, id, question } of trainingQuestions(perSource, seed))
    samples.push(toSample(source, id, question));
  await writeSamples(path, await Promise.all(samples));
}
