import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { UsageError } from "../../errors";
import { shippedSweeps } from "../../sweep/sweep-file";
import { wholeNumber } from "../syntax/arguments";
import { textOption, type Command } from "../syntax/command";

/** Grids of runs. */
export const sweepCommand: Command = {
  meta: { name: "sweep", description: "Run a grid of configurations and seeds, and compare them" },
  args: {
    file: {
      type: "positional",
      description: `The sweep's file; ablations/NAME.yaml come with the program: ${shippedSweeps().join(", ")}`,
    },
    set: {
      type: "string",
      valueHint: "key=value",
      description:
        "A configuration key of all runs, an axis of the grid with its new values, or a variable; may be repeated",
    },
    base: {
      type: "string",
      valueHint: "config",
      description: "The configuration to start from, in place of the file's",
    },
    seeds: { type: "string", valueHint: "list", description: "Seeds in place of the file's, as in 1,2,3" },
    jobs: { type: "string", valueHint: "count", default: "1", description: "Runs at the same time" },
    out: {
      type: "string",
      alias: "o",
      valueHint: "folder",
      description: "The sweep's folder (default: sweeps/NAME)",
    },
    "dry-run": { type: "boolean", description: "List the runs; train nothing" },
    json: { type: "boolean", description: "Print the results as JSON" },
  },
  examples: [
    "v-triune sweep ablations/freeze.yaml",
    "v-triune sweep my-sweep.yaml --jobs 2 --seeds 1,2,3",
    "v-triune sweep learning-rate --base run.yaml --set optimizer.lr=[1e-6,2e-6]",
  ],
  notes:
    "Each run has a folder of its own; results.json and results.csv lie beside them. Called again, finished runs " +
    "are skipped and the others go on. Ctrl-C lets the runs finish their step and save.",
  async execute(context) {
    const { args, values, output } = context;
    const { isDemoBase, readSweepFile } = await import("../../sweep/sweep-file");
    const read = readSweepFile(textOption(context, "file")!, values.get("set") ?? []);
    const base = textOption(context, "base");
    const sweep = {
      ...read,
      ...(base === undefined ? {} : { base: isDemoBase(base) ? base : resolve(base) }),
      seeds: seedList(textOption(context, "seeds")) ?? read.seeds,
    };
    const folder = resolve(textOption(context, "out") ?? join("sweeps", sweep.name));
    const jobs = wholeNumber("jobs", textOption(context, "jobs"), 1) ?? 1;
    const [
      { prepareSweep, runSweep },
      { formatSweepTable },
      { createSweepView },
      { ownLauncher },
      { catchInterruption },
    ] = await Promise.all([
      import("../../sweep/run-sweep"),
      import("../../sweep/sweep-results"),
      import("../../sweep/sweep-view"),
      import("../../sweep/child-run"),
      import("../../terminal/interruption"),
    ]);
    const here = relative(process.cwd(), folder);
    const shown = here === "" || here.startsWith("..") ? folder : here;
    if (args["dry-run"] === true) {
      const aside = await mkdtemp(join(tmpdir(), "v-triune-sweep-"));
      try {
        const runs = await prepareSweep(sweep, folder, process.cwd(), aside);
        output.out(
          `${runs.length} ${runs.length === 1 ? "run" : "runs"} of ${sweep.name}, to go to ${shown}:\n` +
            `${runs.map(({ name, config }) => `  ${name}  ${config.run.steps} steps\n`).join("")}`,
        );
      } finally {
        await rm(aside, { recursive: true, force: true });
      }
      return 0;
    }
    const interruption = catchInterruption({
      message: "Stopping: the runs under way finish their step and save. Press Ctrl-C again to stop at once.",
    });
    const json = args["json"] === true;
    let view = json ? undefined : createSweepView();
    const closeView = (): void => {
      view?.close();
      view = undefined;
    };
    try {
      const { results, interrupted } = await runSweep({
        sweep,
        folder,
        jobs,
        launcher: ownLauncher(),
        signal: interruption.signal,
        listen: (event) => view?.listen(event),
      });
      closeView();
      output.out(
        json
          ? `${JSON.stringify(results)}\n`
          : `\n${formatSweepTable(results)}\n\nResults: ${join(shown, "results.json")}, results.csv\n` +
              (interrupted ? "Interrupted; the same command goes on.\n" : ""),
      );
      if (interrupted) return 130;
      return results.runs.some(({ status }) => status !== "finished") ? 1 : 0;
    } finally {
      closeView();
      interruption.dispose();
    }
  },
};

function seedList(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const seeds = text.split(",").map((part) => wholeNumber("seeds", part.trim(), 0) as number);
  if (new Set(seeds).size < seeds.length)
    throw new UsageError({ what: "The option --seeds has a seed twice.", found: text });
  return seeds;
}
