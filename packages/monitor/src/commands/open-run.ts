/** One run folder, read to its end. */
import { DashboardError } from "../dashboard/dashboard-error";
import { RunCatalogue } from "../dashboard/run-folder/run-catalogue";
import type { RunView } from "../dashboard/run-folder/run-view";

/** Runs that an error lists. */
const SHOWN_RUNS = 5;

/** @throws DashboardError when the folder holds no run, or several */
export async function openRun(folder: string): Promise<RunView> {
  const catalogue = new RunCatalogue([folder]);
  await catalogue.scan();
  const [run, ...others] = catalogue.all();
  if (run === undefined || others.length > 0) {
    throw new DashboardError({
      what: run === undefined ? "The folder holds no run." : "The folder holds several runs.",
      where: folder,
      expected: "the folder of one run",
      found:
        run &&
        [run, ...others]
          .map(({ id }) => id)
          .slice(0, SHOWN_RUNS)
          .join(", "),
    });
  }
  do await run.refresh();
  while (run.isBehind);
  return run;
}
