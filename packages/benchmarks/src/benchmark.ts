/**
 * A benchmark: a local copy in its owners' layout, read as questions that score their own answers, with the metric that
 * its owners define. Adding one is a file with a `Benchmark` and a line in the list of `benchmarks.ts`.
 */

import type { BoxConvention } from "@v-triune/verifiers";

/**
 * Whether the training corpus (the 18 sources of arXiv 2505.18129) has the benchmark's task: alignment or
 * generalization?
 */
export type BenchmarkDomain = "in" | "out";

/** What one answer came to. */
export interface AnswerScore {
  /** 0..1; null where this answer can't be scored by rule. */
  readonly score: number | null;
  /** What it counts as in a vote (maj@n); null where two answers can't be the same vote. */
  readonly vote: string | null;
  /**
   * Boxes in pixels of the original picture, [x, y, width, height] with their label, for metrics over the whole set.
   */
  readonly boxes?: readonly { readonly label: string; readonly bbox: readonly [number, number, number, number] }[];
}

/** Width and height of a picture as the model saw it. */
export interface SeenPicture {
  readonly width: number;
  readonly height: number;
  /** The convention in which the model writes places. Default "resized-pixels": pixels of this size. */
  readonly boxes?: BoxConvention | undefined;
}

/** One question. */
export interface BenchmarkItem {
  readonly id: string;
  /** The part of the benchmark that it is of: a task, a subset. */
  readonly part: string;
  /** With one `<image>` a picture. */
  readonly prompt: string;
  /** File paths or bytes, read when the question is asked. */
  pictures(): Promise<readonly (string | Uint8Array)[]>;
  score(response: string, seen: readonly SeenPicture[]): AnswerScore;
}

/** An item with the score of its first answer. */
export interface ScoredItem {
  readonly item: BenchmarkItem;
  readonly answer: AnswerScore;
}

/** The benchmark's own numbers, 0..1: the one that it is known by, and further ones by name. */
export interface BenchmarkResult {
  readonly headline: number;
  readonly further: Readonly<Record<string, number>>;
}

export interface OpenBenchmark {
  readonly items: readonly BenchmarkItem[];
  /** What was left out and why, by reason; told to the person. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** The owners' metric over all items. Default the mean over the items. */
  summarize?(scored: readonly ScoredItem[]): BenchmarkResult;
}

export interface Benchmark {
  /** As bench.yaml names it and records carry it. */
  readonly name: string;
  readonly title: string;
  readonly domain: BenchmarkDomain;
  /** Why. */
  readonly domainReason: string;
  readonly task: string;
  /** The metric and where its definition is from. */
  readonly metric: string;
  /** The files that are looked for, for messages. */
  readonly layout: string;
  /** @throws BenchmarkError when the folder has another layout */
  open(folder: string): Promise<OpenBenchmark>;
}

/** Mean of the scored answers. */
export function meanScore(scored: readonly ScoredItem[]): number {
  const values = scored.flatMap(({ answer }) => answer.score ?? []);
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}

/** The mean of each part, by its name. */
export function partMeans(scored: readonly ScoredItem[]): Record<string, number> {
  const parts = [...new Set(scored.filter(({ answer }) => answer.score !== null).map(({ item }) => item.part))].sort();
  return Object.fromEntries(parts.map((part) => [part, meanScore(scored.filter(({ item }) => item.part === part))]));
}
