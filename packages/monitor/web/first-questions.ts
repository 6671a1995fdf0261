/** What a page asks its server as it opens, before it has an answer. */
import { questionAddress, type QuestionParameters } from "./question-address";
import { rolloutFilter, shownGroup } from "./rollout-filter";
import { askedAnswers, askedWindows, windowParameters, type Route } from "./route";

type Question = readonly [path: string, parameters?: QuestionParameters];

function ofPage({ page, query }: Route): readonly Question[] {
  const run = query.get("run");
  if (run === null || page === "runs" || page === "compare") return [];
  const detail = ["run", { run }] as const;
  if (page === "overview" || page === "source") return [detail, ["alarms", { run }]];
  if (page === "sources") return [detail];
  if (page === "evaluation") return [["evaluations", { run, metric: query.get("metric") ?? "" }]];
  if (page === "changes") {
    const windows = askedWindows(query);
    const row = askedAnswers(query);
    if (windows !== undefined && row !== undefined) return [["answers", { run, ...row, ...windowParameters(windows) }]];
    return [["changes", { run, since: query.get("since") ?? "", ...(windows && windowParameters(windows)) }]];
  }
  const group = shownGroup(query);
  if (group !== undefined) return [["group", { run, ...group }]];
  const step = query.get("step");
  return step === null ? [detail] : [detail, ["rollouts", { run, ...rolloutFilter(query, step) }]];
}

/** Their addresses; the same as http-backend.ts makes of what the page asks. */
export const firstQuestions = (route: Route): string[] =>
  [["runs"] as const, ...ofPage(route)].map(([path, parameters]) => questionAddress(path, parameters));
