/** For tests: every page of the dashboard over the recorded runs, and how the browser opens it. */
import { copyRecordedRun, copyRunWithTurns } from "./recorded-run";

export interface DashboardPage {
  readonly name: string;
  readonly hash: string;
  /** What is on the page when it is complete. */
  readonly ready: string;
}

const page = (name: string, hash: string, ready: string): DashboardPage => ({ name, hash, ready });

export const DASHBOARD_PAGES: readonly DashboardPage[] = [
  page("runs", "#/runs", "table a"),
  page("overview", "#/overview?run=demo", "canvas"),
  page("changes", "#/changes?run=demo", ".changes td"),
  page(
    "answers",
    "#/changes?run=demo&beforeFrom=1&beforeTo=2&afterFrom=12&afterTo=12&scope=source&name=demo_read",
    "li pre",
  ),
  page("sources", "#/sources?run=demo&window=4", ".grid td"),
  page("source", "#/source?run=demo&name=demo_detect", "canvas"),
  page("evaluation", "#/evaluation?run=demo", "td.number"),
  page("rollouts", "#/rollouts?run=demo&step=12", "tbody a"),
  page("inspector", "#/rollouts?run=demo&step=2&group=9&sample=1", ".box.predicted"),
  page("conversation", "#/rollouts?run=turns&step=2&group=9&sample=1", ".turns .call img"),
  page("compare", "#/compare", "canvas"),
];

/** Writes the runs that the pages show: demo, other and turns. */
export async function writePageRuns(parent: string): Promise<void> {
  await copyRecordedRun(parent);
  await copyRecordedRun(parent, "other");
  await copyRunWithTurns(parent, "turns");
}
