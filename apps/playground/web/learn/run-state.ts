/** What the page knows of a run: a function of what the worker reported. */
import type { StepSummary } from "@v-triune/training/browser";
import expected from "./expected-norms.json";
import type { KeeperReport, Moment, Report, RunSettings, ShownAnswer } from "./protocol";

interface Evaluation {
  readonly mean: number;
  readonly bySource: Readonly<Record<string, number>>;
  readonly answers: readonly ShownAnswer[];
}

/** Asked for, failed, or made. */
export type FolderState = "asked" | { readonly failed: string } | Extract<KeeperReport, { type: "folder" }>;

export interface RunState {
  readonly settings: RunSettings;
  /** What happens now, in words, and the share of it that is done. */
  readonly phase: { readonly text: string; readonly share: number };
  readonly steps: readonly StepSummary[];
  /** Of the last step. */
  readonly answers: readonly ShownAnswer[];
  readonly evaluations: Readonly<Partial<Record<Moment, Evaluation>>>;
  /** What can be downloaded: metrics.jsonl of a finished run, and the run folder that was asked for. */
  readonly metrics: Blob | undefined;
  readonly folder: FolderState | undefined;
  readonly finished: Extract<Report, { type: "finished" }> | undefined;
  /** What the trained model said of a drawing. */
  readonly answered: ShownAnswer | undefined;
  readonly failed: string | undefined;
}

export const startState = (settings: RunSettings): RunState => ({
  settings,
  phase: { text: "Starting", share: 0 },
  steps: [],
  answers: [],
  evaluations: {},
  metrics: undefined,
  folder: undefined,
  finished: undefined,
  answered: undefined,
  failed: undefined,
});

export function afterReport(state: RunState, report: Report | KeeperReport): RunState {
  switch (report.type) {
    case "folder":
      return { ...state, folder: report };
    case "unsaved":
      return { ...state, folder: { failed: report.message } };
    case "metrics":
      return { ...state, metrics: report.file };
    case "loading":
      return { ...state, phase: { text: `Loading ${report.what}`, share: report.share } };
    case "evaluating": {
      const when = report.moment === "before" ? "before training" : "after training";
      return {
        ...state,
        phase: { text: `Asking held-out questions ${when}`, share: report.done / report.total },
      };
    }
    case "evaluated":
      return {
        ...state,
        phase: { text: report.moment === "before" ? "Training" : "Done", share: report.moment === "before" ? 0 : 1 },
        evaluations: { ...state.evaluations, [report.moment]: { ...report.scores, answers: report.answers } },
      };
    case "step": {
      const { step, steps } = report.summary;
      return {
        ...state,
        phase: { text: `Step ${step} of ${steps}`, share: step / steps },
        steps: [...state.steps, report.summary],
        answers: report.answers,
      };
    }
    case "finished":
      return { ...state, phase: { text: "Finished", share: 1 }, finished: report };
    case "answered":
      return { ...state, answered: report.answer };
    case "failed":
      return { ...state, failed: report.message };
  }
}

/**
 * How many gradient norms are those of the command line, to the last digit; undefined where there is nothing to compare
 * with.
 */
export function equalNorms({ settings, steps }: RunState): { readonly equal: number; readonly of: number } | undefined {
  if (settings.own || settings.seed !== expected.seed || settings.steps !== expected.steps) return undefined;
  return {
    equal: steps.filter(({ gradientNorm }, index) => gradientNorm === expected.gradientNorms[index]).length,
    of: steps.length,
  };
}
