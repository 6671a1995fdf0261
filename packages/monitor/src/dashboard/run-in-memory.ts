/** A run whose numbers and rollouts come from the caller instead of a run folder: what the dashboard asks of it. */
import { isBoxConvention } from "@v-triune/verifiers/detection";
import type { MetricRecord } from "../metric-record";
import { answerPairsInMemory } from "./changes/answer-pairs-in-memory";
import type { ComparedRow } from "./changes/compared-prompt";
import { isWithin, type WindowQuestion } from "./changes/change-windows";
import { promptTotalsInMemory } from "./changes/prompt-totals-in-memory";
import { compareWindows } from "./changes/compare-windows";
import { flattenConfig } from "./config-value";
import type {
  AnswerComparison,
  ChangeWindows,
  EvaluationSet,
  RolloutFilter,
  RolloutGroup,
  RolloutPage,
  RunChanges,
  RunDetail,
  RunState,
  RunSummary,
  ShownConversation,
} from "./dashboard-api";
import { type ListedRollout, matchesNumbers, matchesText, pageOf } from "./rollouts/filtered-rollouts";
import { sampleReward } from "./rollouts/reward-arithmetic";
import { rolloutGroup, type StoredRow } from "./rollouts/stored-row";
import { addEvaluation, type EvaluationNumbers } from "./run-folder/evaluation-set";
import type { RunDescription } from "./run-folder/run-description";
import { RunNumbers } from "./run-folder/run-numbers";

/** A rollout as a trainer stores it; names as in the columns of rollouts/step-000012.parquet. */
export interface RolloutInMemory {
  readonly step: number;
  readonly group: number;
  readonly sample: number;
  readonly dataSource: string;
  readonly task: string;
  readonly id: string;
  readonly prompt: string;
  readonly response: string;
  readonly groundTruth: string;
  /** undefined: not stated, as in files of earlier versions. */
  readonly boxes: string | null | undefined;
  readonly imageSizes: readonly (readonly [height: number, width: number])[];
  readonly promptTokens: number;
  readonly responseTokens: number;
  readonly strippedTokens: number;
  readonly truncated: boolean;
  readonly status: string;
  readonly reason: string | null;
  readonly accuracy: number | null;
  readonly format: number | null;
  readonly reward: number | null;
  readonly additions: Readonly<Record<string, number>>;
  readonly advantage: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** Turn by turn; absent for an answer of one. */
  readonly turnByTurn?: ShownConversation | null;
}

/** What the page shows of a sample besides its rollouts. */
export interface SampleInMemory {
  /** `reward_model` of the sample. */
  readonly reward: unknown;
  /** Addresses of its pictures, `data:` or `blob:`. */
  readonly pictures: readonly string[];
}

export interface RunInMemoryOptions {
  readonly id: string;
  readonly description: RunDescription;
  /** The sample that a rollout answers, by the rollout's id; undefined if it is unknown. */
  readonly sampleOf: (id: string) => Promise<SampleInMemory | undefined> | SampleInMemory | undefined;
  /** Steps of its checkpoints, ascending. Default none. */
  readonly checkpointSteps?: readonly number[];
}

/** Characters of an answer's end that a list shows. */
const EXCERPT = 160;

/** The rollouts of a step, by group and sample. */
interface StepRows {
  /** What they are found by, which stays in memory; `index` is their place in `rows`. */
  readonly listed: readonly (ListedRollout & { readonly index: number })[];
  /** Themselves, or what gives them. No closure over the rows: it would keep them in either case. */
  readonly rows: readonly StoredRow[] | (() => readonly RolloutInMemory[]);
}

export class RunInMemory {
  state: RunState = "live";
  readonly numbers = new RunNumbers();
  readonly #options: RunInMemoryOptions;
  readonly #steps = new Map<number, StepRows>();
  readonly #evaluations = new Map<string, EvaluationNumbers>();
  /** What a reader must know of the run besides what run.json says, in sentences. */
  readonly notes: string[] = [];

  constructor(options: RunInMemoryOptions) {
    this.#options = options;
  }

  /** Adds a step's or an evaluation's records. */
  write(records: readonly MetricRecord[]): void {
    for (const record of records) this.numbers.streams.take(record);
    this.numbers.watchNew(this.#options.description.config);
  }

  /**
   * Adds a step's rollouts; steps come in order.
   *
   * @param again gives the same rollouts again, when they are shown; without it they stay in memory
   */
  writeRollouts(step: number, rollouts: readonly RolloutInMemory[], again?: () => readonly RolloutInMemory[]): void {
    const rows = storedRows(rollouts);
    const listed = rows.map(({ group, sample, source, status, truncated, reward, responseTokens }, index) => ({
      step,
      group,
      sample,
      source,
      status,
      truncated,
      reward,
      responseTokens,
      index,
    }));
    this.#steps.set(step, { listed, rows: again ?? rows });
  }

  /** Adds the records of an evaluation that was made apart from the run. */
  writeEvaluation(label: string, records: readonly MetricRecord[]): void {
    const numbers: EvaluationNumbers = this.#evaluations.get(label) ?? new Map();
    for (const record of records) if (record.split === "eval") addEvaluation(numbers, record);
    this.#evaluations.set(label, numbers);
  }

  /** @param metric of the rows; default the one that says how good the run is */
  evaluations(metric?: string): EvaluationSet[] {
    return this.numbers.evaluations([...this.#evaluations], metric);
  }

  summary(): RunSummary {
    const { id, description } = this.#options;
    return {
      id,
      name: description.name ?? id,
      ...this.numbers.summary(description, this.state),
      labels: { revision: 0, title: null, tags: [], note: "", archived: false },
      read: 0,
      size: 0,
      badLines: 0,
    };
  }

  detail(): RunDetail {
    const { seed, backend, versions, imported, notes } = this.#options.description;
    return {
      ...this.summary(),
      seed,
      backend,
      versions,
      imported,
      notes: [...notes, ...this.numbers.restartNote(), ...this.notes],
      config: this.settings(),
      streams: this.numbers.streamList(),
      rolloutSteps: this.rolloutSteps(),
      checkpointSteps: this.#options.checkpointSteps ?? [],
    };
  }

  /** The configuration, flattened: "optimizer.lr" → "0.0003". */
  settings(): Readonly<Record<string, string>> {
    return flattenConfig(this.#options.description.config);
  }

  rolloutSteps(): number[] {
    return [...this.#steps.keys()];
  }

  #rowsOf(step: number): readonly StoredRow[] {
    const rows = this.#steps.get(step)?.rows ?? [];
    return typeof rows === "function" ? storedRows(rows()) : rows;
  }

  #rowsWithin({ before, after }: ChangeWindows): StoredRow[] {
    return this.rolloutSteps()
      .filter((step) => isWithin(step, before) || isWithin(step, after))
      .flatMap((step) => this.#rowsOf(step));
  }

  rollouts(filter: RolloutFilter): RolloutPage {
    const found = [...this.#steps].flatMap(([step, { listed }]) => {
      const matching = listed.filter((row) => matchesNumbers(row, filter));
      if (!filter.text || matching.length === 0) return matching;
      const rows = this.#rowsOf(step);
      return matching.filter(({ index }) => matchesText(rows[index]!.response, filter));
    });
    const page = pageOf(found, filter);
    const rows = new Map([...new Set(page.map(({ step }) => step))].map((step) => [step, this.#rowsOf(step)]));
    return { rows: page.map(({ step, index }) => rows.get(step)![index]!), total: found.length };
  }

  /** undefined when there is no such group. */
  async group(step: number, group: number): Promise<RolloutGroup | undefined> {
    const all = this.#rowsOf(step);
    const rows = all.filter((row) => row.group === group);
    if (rows.length === 0) return undefined;
    const sample = await this.#options.sampleOf(rows[0]!.id);
    return rolloutGroup(rows, {
      config: this.#options.description.config,
      sample: sample && sampleReward(sample.reward),
      pictures: sample?.pictures ?? [],
      previous: all.findLast((row) => row.group < group)?.group ?? null,
      next: all.find((row) => row.group > group)?.group ?? null,
    });
  }

  /** @throws DashboardError when the windows cannot be compared */
  changes(question: WindowQuestion): Promise<RunChanges> {
    const { numbers } = this;
    const run = {
      rolloutSteps: () => this.rolloutSteps(),
      recordedSteps: (split: "train" | "eval") => numbers.recordedSteps(split),
      trainingStreams: () => numbers.trainingStreams(),
      isThinned: numbers.isThinned,
      summary: () => ({ state: this.state }),
    };
    return compareWindows(run, (windows) => promptTotalsInMemory(this.#rowsWithin(windows), windows), question);
  }

  answers(windows: ChangeWindows, row: ComparedRow): AnswerComparison {
    return answerPairsInMemory(this.#rowsWithin(windows), windows, row);
  }
}

const storedRows = (rollouts: readonly RolloutInMemory[]): StoredRow[] =>
  rollouts.map(storedRow).sort((a, b) => a.group - b.group || a.sample - b.sample);

function storedRow(rollout: RolloutInMemory): StoredRow {
  const { dataSource, boxes, imageSizes, response, turnByTurn, ...rest } = rollout;
  const finite = (value: number | null): number | null => (value !== null && Number.isFinite(value) ? value : null);
  return {
    ...rest,
    source: dataSource,
    reward: finite(rest.reward),
    accuracy: finite(rest.accuracy),
    advantage: finite(rest.advantage),
    response,
    responseLength: response.length,
    excerpt: [...response].slice(-EXCERPT).join(""),
    sizes: imageSizes.map(([height, width]) => ({ height, width })),
    boxConvention: boxes === undefined || isBoxConvention(boxes) ? boxes : null,
    conversation: turnByTurn ?? null,
  };
}
