/**
 * What a corpus is compared with: benchmark questions with their pictures, read once and indexed. Texts and pictures of
 * the corpus then pass by in one stream; memory holds the benchmarks only (some 100 bytes per word of a question, 1 kB
 * per picture).
 */
import { availableParallelism } from "node:os";
import { DatasetError } from "@v-triune/schema";
import type { Comparison } from "./decontaminate-config";
import { hashWords } from "./hashed-words";
import { PictureIndex } from "./picture-index";
import { lookAt, type PictureLook } from "./picture-look";
import { createTextIndex, type TextIndex } from "./text-index";

/** A question of a benchmark. */
export interface ReferenceQuestion {
  readonly id: string;
  readonly question: string;
  /** File paths or encoded bytes, read when they are compared. */
  pictures(): Promise<readonly (string | Uint8Array)[]>;
}

/** A benchmark, or any other file whose questions must not be in the corpus. */
export interface ReferenceSet {
  readonly name: string;
  questions(): AsyncIterable<ReferenceQuestion> | Iterable<ReferenceQuestion>;
}

/** A question with the benchmark that it is of. */
export interface ReferenceItem extends ReferenceQuestion {
  readonly set: string;
}

/** How many questions and pictures of a benchmark were compared. */
export interface ReferenceCounts {
  readonly name: string;
  readonly questions: number;
  /** Questions long enough to be found by their text. */
  readonly texts: number;
  readonly pictures: number;
  /** Pictures that do not decode, or are blank. */
  readonly unusable: number;
}

/** The benchmarks of a run, ready to be compared with. */
export interface References {
  readonly items: readonly ReferenceItem[];
  readonly counts: readonly ReferenceCounts[];
  /** Null if texts are not compared. */
  readonly text: TextIndex | null;
  readonly pictures: PictureIndex | null;
}

/**
 * Reads and indexes benchmarks.
 *
 * @throws DatasetError `bad-value` for a benchmark without a question; what reading the benchmarks throws
 */
export async function openReferences(
  sets: readonly ReferenceSet[],
  { text, pictures }: Comparison,
  signal?: AbortSignal,
): Promise<References> {
  const items: ReferenceItem[] = [];
  const texts: string[] = [];
  const counts: ReferenceCounts[] = [];
  const looks = pictures === null ? null : new PictureIndex(pictures);
  for (const set of sets) {
    const first = items.length;
    for await (const question of set.questions()) {
      signal?.throwIfAborted();
      items.push({ ...question, set: set.name, pictures: () => question.pictures() });
    }
    const own = items.slice(first);
    if (own.length === 0) {
      throw new DatasetError({
        code: "bad-value",
        field: "decontaminate",
        expected: `at least one question in ${set.name}`,
        found: "none",
        fix: "check the folder of the benchmark",
      });
    }
    const bare = withoutTemplates(own.map(({ question }) => question));
    texts.push(...bare);
    const seen = looks === null ? { pictures: 0, unusable: 0 } : await addLooks(looks, own, first, signal);
    const shortest = text?.shortest ?? Number.POSITIVE_INFINITY;
    const long = bare.filter((question) => hashWords(question).count >= shortest).length;
    counts.push({ name: set.name, questions: own.length, texts: long, ...seen });
  }
  return { items, counts, text: text === null ? null : createTextIndex(texts, text), pictures: looks };
}

/** Questions with the same line are told apart by their other lines: a hint, or the form of the answer. */
const TEMPLATE_QUESTIONS = 10;

/**
 * Questions without the lines that many of them share: over ten, or over half of four or more. They are a benchmark's
 * template, which a corpus may well use too.
 */
export function withoutTemplates(questions: readonly string[]): string[] {
  const uses = new Map<string, number>();
  const linesOf = (question: string): string[] => question.split("\n").map((line) => line.trim());
  for (const question of new Set(questions))
    for (const line of new Set(linesOf(question))) uses.set(line, (uses.get(line) ?? 0) + 1);
  const different = new Set(questions).size;
  const isTemplate = (line: string): boolean => {
    const count = uses.get(line) ?? 0;
    return count > TEMPLATE_QUESTIONS || (different >= 4 && count > different / 2);
  };
  return questions.map((question) =>
    linesOf(question)
      .filter((line) => !isTemplate(line))
      .join("\n"),
  );
}

async function addLooks(
  index: PictureIndex,
  items: readonly ReferenceItem[],
  first: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly pictures: number; readonly unusable: number }> {
  let pictures = 0;
  let unusable = 0;
  const batch = 4 * availableParallelism();
  for (let from = 0; from < items.length; from += batch) {
    signal?.throwIfAborted();
    const looks = await Promise.all(items.slice(from, from + batch).map(looksOf));
    for (const [at, list] of looks.entries()) {
      for (const look of list) {
        pictures++;
        if (look === null) unusable++;
        else index.add(look, first + from + at);
      }
    }
  }
  return { pictures, unusable };
}

async function looksOf(item: ReferenceItem): Promise<(PictureLook | null)[]> {
  return Promise.all((await item.pictures()).map(lookAt));
}
