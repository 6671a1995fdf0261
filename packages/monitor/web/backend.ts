/** Where the page's data comes from: a server, a report that the page is part of, or a run in memory. */
import type {
  AnswerComparison,
  ChangeRow,
  ChangeWindows,
  EvaluationSet,
  NamedSeries,
  RolloutFilter,
  RolloutGroup,
  RolloutPage,
  RunAlarm,
  RunChanges,
  RunDetail,
  RunSettings,
  RunSummary,
  SourceGrid,
  StreamKey,
} from "../src/dashboard/dashboard-api";
import type { Edits } from "./edits";

export interface SeriesQuestion {
  readonly split: StreamKey["split"];
  readonly scope: StreamKey["scope"];
  readonly names: readonly string[];
  readonly metrics: readonly string[];
  readonly points?: number;
  readonly from?: number;
  readonly to?: number;
}

export interface GridQuestion {
  readonly split: StreamKey["split"];
  readonly scope: StreamKey["scope"];
  readonly metrics: readonly string[];
  readonly window: number;
}

/** What is not given is chosen. */
export interface ChangesQuestion {
  readonly since?: string | undefined;
  readonly windows?: ChangeWindows | undefined;
}

export interface Backend {
  /** When the data was written down; null for a server's. */
  readonly madeAt: string | null;
  /** How labels are changed and runs deleted; null where that is not allowed. */
  readonly edits: Edits | null;
  runs(): Promise<readonly RunSummary[]>;
  settings(): Promise<RunSettings>;
  run(id: string): Promise<RunDetail>;
  alarms(id: string): Promise<readonly RunAlarm[]>;
  evaluations(id: string, metric?: string): Promise<readonly EvaluationSet[]>;
  series(id: string, question: SeriesQuestion): Promise<readonly NamedSeries[]>;
  grid(id: string, question: GridQuestion): Promise<SourceGrid>;
  changes(id: string, windows: ChangesQuestion): Promise<RunChanges>;
  answers(id: string, windows: ChangeWindows, row: Pick<ChangeRow, "scope" | "name">): Promise<AnswerComparison>;
  rollouts(id: string, filter: RolloutFilter): Promise<RolloutPage>;
  group(id: string, step: number, group: number): Promise<RolloutGroup>;
  /** Calls back with the runs that changed; returns how to stop. */
  listen(onChange: (runs: readonly string[]) => void, onLive: (live: boolean) => void): () => void;
}
