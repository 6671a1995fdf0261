/**
 * Endless questions of the demonstration, one source after the other. The held-out questions come from a seed of their
 * own; a training question that shows the same picture with the same question as a held-out one is drawn again.
 */
import { type SeededRandom, createRandom } from "@v-triune/rollouts";
import type { DemoQuestion, DemoSource } from "./drawing/question";
import { type DemoSourceName, demoSourceNames, demoSources } from "./sources/index";

export interface SourcedQuestion {
  readonly source: DemoSourceName;
  readonly question: DemoQuestion;
}

const heldOutSeed = 31337;

/** The same held-out questions for every run: `perSource` of each source, all different. */
export function heldOutQuestions(perSource: number): SourcedQuestion[] {
  const random = createRandom(heldOutSeed);
  const seen = new Set<string>();
  const questions: SourcedQuestion[] = [];
  for (let index = 0; index < perSource; index++) {
    for (const source of demoSourceNames) questions.push({ source, question: drawUnseen(source, random, seen) });
  }
  return questions;
}

/**
 * A run's training questions in the order of its data, `perSource` of each source; none shows a held-out picture with
 * its question.
 */
export function* trainingQuestions(
  perSource: number,
  seed: number,
): Generator<SourcedQuestion & { readonly id: string }, void, undefined> {
  const random = createRandom(seed, 7);
  const heldOut = fingerprints(heldOutQuestions(100));
  for (let index = 0; index < perSource; index++) {
    for (const [at, source] of demoSourceNames.entries())
      yield {
        source,
        id: `train-${index * demoSourceNames.length + at}`,
        question: drawQuestion(source, random, heldOut),
      };
  }
}

/** Fingerprints of pictures with their questions, to be kept out of training. */
export function fingerprints(questions: readonly Pick<SourcedQuestion, "question">[]): Set<string> {
  return new Set(questions.map(({ question }) => fingerprint(question)));
}

/** One question of the source that is not in `exclude`; `exclude` is left as it is. */
export function drawQuestion(
  source: DemoSourceName,
  random: SeededRandom,
  exclude: ReadonlySet<string>,
  describe = false,
): DemoQuestion {
  return drawOther(demoSources[source].draw, random, exclude, describe);
}

/** {@link drawQuestion} of any source. @throws RangeError when the source has no other question */
export function drawOther(
  draw: DemoSource,
  random: SeededRandom,
  exclude: ReadonlySet<string>,
  describe = false,
): DemoQuestion {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const question = draw(random, describe);
    if (!exclude.has(fingerprint(question))) return question;
  }
  throw new RangeError(`The source has no question outside the ${exclude.size} excluded ones.`);
}

function drawUnseen(source: DemoSourceName, random: SeededRandom, seen: Set<string>): DemoQuestion {
  const question = drawQuestion(source, random, seen);
  seen.add(fingerprint(question));
  return question;
}

/** The whole picture as text: what equals it is the same picture. */
function fingerprint({ canvas, question }: DemoQuestion): string {
  return new TextDecoder("latin1").decode(canvas.pixels) + question;
}
