/** The benchmarks of a bench.yaml as what `decontaminate` compares a corpus with: their questions and pictures. */
import type { ReferenceQuestion, ReferenceSet } from "@v-triune/data-filters";
import type { ChosenBenchmark } from "@v-triune/training";
import { readBenchmarkFile } from "../evaluation/benchmark-file";

/**
 * Every question of the chosen benchmarks, also where `limit` asks fewer of them in an evaluation.
 *
 * @throws ConfigError for a file that cannot be used; a benchmark whose folder cannot be read throws when it is read
 */
export function benchmarkQuestions(file: string): ReferenceSet[] {
  return readBenchmarkFile(file).map(({ benchmark, folder }: ChosenBenchmark) => ({
    name: benchmark.name,
    async *questions(): AsyncGenerator<ReferenceQuestion> {
      const { items } = await benchmark.open(folder);
      for (const item of items) yield { id: item.id, question: item.prompt, pictures: () => item.pictures() };
    },
  }));
}
