/** What changed in a run folder between two windows of its steps. */
import type { RunChanges } from "../dashboard-api";
import type { RolloutReader } from "../rollouts/rollout-reader";
import type { RunView } from "../run-folder/run-view";
import type { WindowQuestion } from "./change-windows";
import { compareWindows } from "./compare-windows";
import type { BootstrapOptions } from "./mean-change";
import { promptTotals } from "./prompt-units";

/**
 * @param question which windows; default the two halves of the run
 * @throws DashboardError when the windows cannot be compared or the rollouts cannot be read
 */
export function runChanges(
  run: RunView,
  reader: RolloutReader,
  question: WindowQuestion = {},
  options: BootstrapOptions = {},
): Promise<RunChanges> {
  return compareWindows(run, (windows) => promptTotals(reader, run, windows), question, options);
}
