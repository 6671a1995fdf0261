/**
 * The prompts of a run whose samples are drawn by their difficulty. The next step's rows are known when this step's
 * answers are judged, so they are prepared while the weights are updated. What a step is given does not depend on it.
 */
import type { PreparedPrompt } from "@v-triune/rollouts";
import type { TrainingConfig } from "../config/training-config";
import { createReasons } from "./bad-row-reasons";
import type { DifficultySampler, SamplingReport } from "./difficulty-sampler";
import type { TrainingData } from "./run-data";
import { type Draw, noneUsable, type TrainingSource } from "./training-data";

export interface SampleByDifficultyOptions {
  readonly source: TrainingSource;
  readonly sampler: DifficultySampler;
  /** For the error if no row can be used. */
  readonly sets: TrainingConfig["data"]["train"];
  /** Called for a row when it is left out. */
  readonly onBadRow: (message: string) => void;
  /** Bytes of pictures that may lie ready beside those of the running step; 0 prepares nothing ahead. Default 1 GiB. */
  readonly mostAhead?: number;
}

export function sampleByDifficulty({
  source,
  sampler,
  sets,
  onBadRow,
  mostAhead = 2 ** 30,
}: SampleByDifficultyOptions): TrainingData {
  const { rows } = source;
  let ahead: { readonly draws: readonly Draw[]; readonly prompts: ReturnType<TrainingSource["prompts"]> } | undefined;
  let usual = 0;
  let bytes = 0;
  /** Rows of the prompts that were given out in this step. */
  let given: number[] = [];

  async function promptsOf(draws: readonly Draw[]): Promise<readonly (PreparedPrompt | string)[]> {
    const guessed = ahead;
    ahead = undefined;
    const isSame = guessed?.draws.length === draws.length && guessed.draws.every((draw, at) => equal(draw, draws[at]!));
    return isSame ? guessed.prompts : source.prompts(draws);
  }

  function prepareAhead(): void {
    if (mostAhead === 0 || bytes > mostAhead) return;
    const { position, state } = sampler;
    const draws = sampler.draw(usual);
    sampler.restore(position, state);
    const prompts = source.prompts(draws);
    // Told when it is asked for.
    prompts.catch(() => undefined);
    ahead = { draws, prompts };
  }

  return {
    length: source.length,
    sources: source.sources,
    close: () => source.close(),
    get place() {
      return { position: sampler.position, difficulty: sampler.state };
    },
    set place({ position, difficulty }) {
      sampler.restore(position, difficulty ?? sampler.state);
      [given, bytes] = [[], 0];
    },
    async next(count) {
      if (given.length === 0) usual = count;
      const found: PreparedPrompt[] = [];
      const reasons = createReasons();
      while (found.length < count) {
        const draws = sampler.draw(count - found.length);
        if (draws.length === 0) throw noneUsable(sets, reasons);
        for (const [index, prompt] of (await promptsOf(draws)).entries()) {
          const { row } = draws[index]!;
          if (typeof prompt === "string") {
            sampler.leaveOut(row);
            reasons.add(prompt);
            onBadRow(prompt);
            continue;
          }
          bytes += prompt.images?.pixelValues.byteLength ?? 0;
          found.push(prompt);
          given.push(row);
        }
      }
      return found;
    },
    observe(rollouts) {
      const accuracies = given.map((): number[] => []);
      const rewards = given.map((): number[] => []);
      for (const { promptIndex, result } of rollouts) {
        if (result.status !== "scored") continue;
        accuracies[promptIndex]!.push(result.accuracy);
        rewards[promptIndex]!.push(result.reward);
      }
      sampler.observe(given.map((row, index) => [row, accuracies[index]!]));
      const report = reportOf();
      prepareAhead();
      [given, bytes] = [[], 0];
      return report;

      function reportOf(): SamplingReport {
        const sources: Record<string, SamplingReport["sources"][string]> = {};
        for (const [name, counts] of Object.entries(sampler.counts())) {
          const own = [...given.keys()].filter((index) => rows.sources[rows.sourceOf[given[index]!]!] === name);
          const withSignal = own.filter((index) => rewards[index]!.some((reward) => reward !== rewards[index]![0]));
          sources[name] = { ...counts, draws: own.length, withSignal: withSignal.length };
        }
        return { sources };
      }
    },
  };
}

const equal = (a: Draw, b: Draw): boolean => a.row === b.row && a.position === b.position;
