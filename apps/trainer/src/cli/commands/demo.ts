import { BACKEND_SETTINGS, type BackendSetting } from "@v-triune/training/config";
import { UsageError } from "../../errors";
import { textOption, type Command } from "../syntax/command";

/** The whole method in small. */
export const demoCommand: Command = {
  meta: { name: "demo", description: "Train a small model on this machine and watch its rewards rise" },
  args: {
    seed: { type: "string", valueHint: "number", default: "1", description: "Random seed of data order and sampling" },
    steps: { type: "string", valueHint: "number", description: "Training steps" },
    out: { type: "string", valueHint: "folder", description: "Where the run and summary.json go" },
    samples: { type: "string", valueHint: "number", description: "Held-out samples per source (default: 100)" },
    zero: {
      type: "boolean",
      description: "Start from a base model that was taught no form of an answer (RL-zero)",
    },
    zoom: { type: "boolean", description: "Learn to look closer, with a crop tool, at what is too small to read" },
    dashboard: { type: "boolean", description: "Show the run in the browser while it trains, and after" },
    "make-checkpoint": {
      type: "string",
      valueHint: "folder",
      description:
        "Make the model that it starts from again, from random weights (25 min; with --zero 1 min, with --zoom 10 min)",
    },
    backend: {
      type: "enum",
      options: [...BACKEND_SETTINGS],
      valueHint: "name",
      default: "auto",
      description: "A backend as v-triune doctor lists it",
    },
  },
  examples: [
    "v-triune demo",
    "v-triune demo --dashboard",
    "v-triune demo --zero",
    "v-triune demo --zoom",
    "v-triune demo --seed 3 --steps 40 --out demo-3",
  ],
  async execute(context) {
    const { wholeNumber } = await import("../syntax/arguments");
    const seed = wholeNumber("seed", textOption(context, "seed"), 0);
    const steps = wholeNumber("steps", textOption(context, "steps"), 1);
    const samplesPerSource = wholeNumber("samples", textOption(context, "samples"), 1);
    const backend = textOption(context, "backend") as BackendSetting;
    const [zero, zoom] = [context.args["zero"] === true, context.args["zoom"] === true];
    if (zero && zoom)
      throw new UsageError({
        what: "--zero and --zoom start from two models.",
        fix: "leave one of them out",
      });
    const checkpointFolder = textOption(context, "make-checkpoint");
    if (checkpointFolder !== undefined) {
      const { makeDemoCheckpoint } = await import("../../demo/make-checkpoint");
      await makeDemoCheckpoint({
        folder: checkpointFolder,
        seed: seed!,
        ...(zero ? { model: "zero" as const } : zoom ? { model: "zoom" as const } : {}),
        backend,
        print: (text) => context.output.out(`${text}\n`),
      });
      return 0;
    }
    const [{ runDemo }, { runZoom }, { catchInterruption }, { untilInterrupted }] = await Promise.all([
      import("../../demo/run-demo"),
      import("../../demo/run-zoom"),
      import("../../terminal/interruption"),
      import("../../terminal/until-interrupted"),
    ]);
    const out = textOption(context, "out");
    const interruption = catchInterruption({
      message: "Stopping after this step. Press Ctrl-C again to stop at once.",
    });
    const keepDashboard = (): Promise<void> => {
      // Ctrl-C ends no step any more.
      interruption.dispose();
      return untilInterrupted();
    };
    try {
      const run = zoom ? runZoom : runDemo;
      const summary = await run({
        seed: seed!,
        ...(steps === undefined ? {} : { steps }),
        ...(out === undefined ? {} : { out }),
        ...(samplesPerSource === undefined ? {} : { samplesPerSource }),
        backend,
        ...(zoom ? {} : { zero }),
        interruption,
        ...(context.args["dashboard"] === true ? { dashboard: true } : {}),
        // A script that reads the output waits for the end, not for a person.
        ...(process.stdout.isTTY ? { keepDashboard } : {}),
      });
      return summary === undefined && interruption.requested ? 130 : 0;
    } finally {
      interruption.dispose();
    }
  },
};
