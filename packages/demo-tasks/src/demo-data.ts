import { writeSamples } from "@v-triune/data-filters";
import { createRandom } from "@v-triune/rollouts";
import type { Sample } from "@v-triune/schema";
import { drawQuestion, fingerprints, heldOutQuestions } from "./question-stream";
import { demoSourceNames } from "./sources/index";
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
  const random = createRandom(seed, 7);
  const heldOut = fingerprints(heldOutQuestions(100));
  const samples: Promise<Sample>[] = [];
  for (let index = 0; index < perSource; index++) {
    for (const source of demoSourceNames)
      samples.push(toSample(source, `train-${samples.length}`, drawQuestion(source, random, heldOut)));
  }
  await writeSamples(path, await Promise.all(samples));
}
