/** One run folder as the dashboard sees it: its description, its metrics as they grow, its alarms. Reads only. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { flattenConfig } from "../config-value";
import type {
  EvaluationSet,
  NamedSeries,
  RunAlarm,
  RunDetail,
  RunLabels,
  RunState,
  RunSummary,
  SourceGrid,
  StreamKey,
} from "../dashboard-api";
import type { MetricStream } from "../series/metric-streams";
import { createMetricsTail } from "../series/metrics-tail";
import { RecordScanner } from "../series/record-scanner";
import { EvaluationFiles } from "./evaluation-files";
import { NO_DESCRIPTION, plannedSteps, type RunDescription } from "./run-description";
import { fileStamp, lockOf, readDescription, rolloutFile, stepsIn } from "./run-files";
import { RunLabelsFile, type LabelChange } from "./run-labels";
import { RunNumbers } from "./run-numbers";

/**
 * A run without a lock of this machine that wrote this lately is taken to be alive: an imported or a foreign trainer's.
 */
const LIVE_MILLISECONDS = 60_000;
/** Characters of a note that a list of runs has. */
const NOTE_START = 200;

const noteStart = (note: string): string => (note.length > NOTE_START ? `${note.slice(0, NOTE_START)}…` : note);

/** A run that the dashboard has opened. */
export class RunView {
  #numbers = new RunNumbers();
  #scanner = new RecordScanner(this.#numbers.streams);
  #description = NO_DESCRIPTION;
  #state: RunState = "stopped";
  #reading: Promise<boolean> | undefined;
  readonly #tail;
  readonly #evaluations: EvaluationFiles;
  readonly #labels: RunLabelsFile;

  /**
   * @param id what the page calls it
   * @param folder the run folder
   */
  constructor(
    readonly id: string,
    readonly folder: string,
  ) {
    this.#evaluations = new EvaluationFiles(folder);
    this.#labels = new RunLabelsFile(folder);
    this.#tail = createMetricsTail(join(folder, "metrics.jsonl"), {
      lines: (bytes, from, to) => this.#scanner.read(bytes, from, to),
      restarted: () => this.#forget(),
    });
  }

  /**
   * Reads what the run has written since; one reading at a time.
   *
   * @returns whether anything the page shows has changed
   */
  refresh(): Promise<boolean> {
    this.#reading ??= this.#refresh().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #refresh(): Promise<boolean> {
    const before = this.#state;
    if (this.#description === NO_DESCRIPTION) {
      const description = await readDescription(this.folder);
      const state = await this.#findState(description);
      // Both at once: a page that asks before the metrics are read must not see a live run as stopped.
      this.#description = description;
      this.#state = state;
    }
    const evaluated = await this.#evaluations.refresh();
    const labeled = await this.#labels.refresh();
    // Last, so that no page sees the steps of a finished run with the state of before.
    const read = await this.#tail.read().catch(() => false);
    // A large file comes in stretches; only the run's last steps are watched.
    if (read && !this.isBehind) this.#numbers.watchNew(this.config);
    this.#state = await this.#findState(this.#description);
    return read || evaluated || labeled || before !== this.#state;
  }

  /** Title, tags, note and archived, which a person may change. */
  changeLabels(change: LabelChange, revision?: number): Promise<RunLabels> {
    return this.#labels.change(change, revision);
  }

  /** There is more to read already: a large file is read in stretches. */
  get isBehind(): boolean {
    const { read, size } = this.#tail.progress;
    return read < size;
  }

  /** run.json's configuration, unchecked. */
  get config(): unknown {
    return this.#description.config;
  }

  /** run.json's configuration, flattened: "optimizer.lr" → "0.0003". */
  settings(): Readonly<Record<string, string>> {
    return flattenConfig(this.config);
  }

  #forget(): void {
    this.#numbers = new RunNumbers();
    this.#scanner = new RecordScanner(this.#numbers.streams);
  }

  async #findState(description: RunDescription): Promise<RunState> {
    const steps = plannedSteps(description);
    if (steps !== null && this.#numbers.streams.lastStep >= steps) return "finished";
    // Nobody writes to it: what its file says is all there is.
    if (description.imported !== null) return steps === null ? "finished" : "stopped";
    const lock = await lockOf(this.folder);
    if (lock !== null && lock.isHeld !== null) return lock.isHeld ? "live" : "stopped";
    const written = await stat(join(this.folder, "metrics.jsonl")).catch(() => undefined);
    return written !== undefined && Date.now() - written.mtimeMs < LIVE_MILLISECONDS ? "live" : "stopped";
  }

  /** The run in a line. */
  summary(): RunSummary {
    return {
      id: this.id,
      name: this.#description.name ?? this.id,
      ...this.#numbers.summary(this.#description, this.#state),
      labels: { ...this.#labels.labels, note: noteStart(this.#labels.labels.note) },
      ...this.#tail.progress,
      badLines: this.#tail.badLines,
    };
  }

  /** Everything about the run but its numbers. */
  async detail(): Promise<RunDetail> {
    const { seed, backend, versions, imported, notes } = this.#description;
    return {
      ...this.summary(),
      labels: this.#labels.labels,
      seed,
      backend,
      versions,
      imported,
      notes: [
        ...notes,
        ...this.#numbers.restartNote(),
        ...(this.#labels.problem === null ? [] : [this.#labels.problem]),
      ],
      config: this.settings(),
      streams: this.#numbers.streamList(),
      rolloutSteps: await this.rolloutSteps(),
      checkpointSteps: await stepsIn(join(this.folder, "checkpoints"), ""),
    };
  }

  /** Steps whose rollouts are stored, ascending. */
  rolloutSteps(): Promise<number[]> {
    return stepsIn(join(this.folder, "rollouts"), ".parquet");
  }

  /** {@link RunNumbers.series} */
  series(...question: Parameters<RunNumbers["series"]>): NamedSeries[] {
    return this.#numbers.series(...question);
  }

  /** Sources, tasks and all of training, with their series. */
  trainingStreams(): MetricStream[] {
    return this.#numbers.trainingStreams();
  }

  /** Steps with metrics of training or of evaluation, ascending. */
  recordedSteps(split: StreamKey["split"]): number[] {
    return this.#numbers.recordedSteps(split);
  }

  /** Differs when what the run has recorded or stored does. */
  async stamp(): Promise<string> {
    const files = await Promise.all([
      fileStamp(join(this.folder, "metrics.jsonl")),
      ...(await this.rolloutSteps()).map((step) => fileStamp(rolloutFile(this.folder, step))),
    ]);
    return [this.#state, this.#tail.progress.read, ...files].join(" ");
  }

  /** Whether a series has become too long to be kept exactly. */
  get isThinned(): boolean {
    return this.#numbers.isThinned;
  }

  /** {@link RunNumbers.grid} */
  grid(...question: Parameters<RunNumbers["grid"]>): SourceGrid {
    return this.#numbers.grid(...question);
  }

  /**
   * What was evaluated: by the run itself first, then apart from it.
   *
   * @param metric of the rows; default, and for a set without it, the one that says how good it is
   */
  evaluations(metric?: string): EvaluationSet[] {
    return this.#numbers.evaluations(this.#evaluations.all(), metric);
  }

  /**
   * The alarms of the run's last steps, the latest first.
   *
   * @param stored steps whose rollouts can be shown, ascending; default none
   */
  alarms(stored: readonly number[] = []): RunAlarm[] {
    return this.#numbers.alarms(stored);
  }
}
