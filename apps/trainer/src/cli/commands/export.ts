import { UsageError } from "../../errors";
import { nearest, wrapText } from "@v-triune/errors";
import { wholeNumber } from "../syntax/arguments";
import { textOption, type Command } from "../syntax/command";

const FORMATS = ["hf", "verl"] as const;

/** A run's result in a form that others take. */
export const exportCommand: Command = {
  meta: { name: "export", description: "Write a checkpoint as a model, or a run as a job for verl" },
  args: {
    format: {
      type: "positional",
      description:
        "hf: a folder in Hugging Face layout; verl: data, reward function and launch script for a Ray cluster",
    },
    run: { type: "positional", description: "The run's folder; for verl also a configuration" },
    out: { type: "string", alias: "o", valueHint: "folder", description: "The folder to make" },
    step: { type: "string", valueHint: "step", description: "Which checkpoint (default: the last one)" },
    separate: {
      type: "boolean",
      description: "Keep a LoRA adapter by itself, in peft's layout, instead of merging it",
    },
    set: {
      type: "string",
      valueHint: "key=value",
      description: "verl: override a key of the configuration; may be repeated",
    },
  },
  firstArguments: FORMATS,
  examples: [
    "v-triune export hf runs/counting -o counting-model",
    "v-triune export hf runs/counting --step 40 -o step-40",
    "v-triune export verl counting.yaml -o job",
  ],
  notes: "transformers, vLLM and SGLang load the folder as it is.",
  async execute(context) {
    const format = textOption(context, "format");
    if (!FORMATS.some((known) => known === format)) {
      const meant = nearest(String(format), FORMATS);
      throw new UsageError({
        what: `v-triune export can't write "${String(format)}".`,
        expected: `one of ${FORMATS.join(", ")}`,
        fix: meant === null ? "see v-triune export --help" : `did you mean "v-triune export ${meant}"?`,
      });
    }
    const out = textOption(context, "out");
    if (out === undefined)
      throw new UsageError({ what: "The export needs a folder to write to.", fix: "name one with -o FOLDER" });
    if (format === "verl") {
      if (context.args["separate"] === true || textOption(context, "step") !== undefined)
        throw new UsageError({
          what: "A job for verl starts from the configuration's model.",
          fix: "leave --step and --separate out; export hf writes a checkpoint, which a configuration can name",
        });
      const { exportVerl } = await import("../../export/export-verl");
      const job = await exportVerl({
        from: textOption(context, "run")!,
        overrides: context.values.get("set") ?? [],
        out,
        onBadRow: (message) => context.output.err(`left out: ${message}\n`),
      });
      context.output.out(
        `${job.rows.train} rows to train on${job.rows.eval > 0 ? `, ${job.rows.eval} to evaluate on` : ""} are in ` +
          `${job.folder}\nREADME.md there says how to start it.\n` +
          `${job.notes.map((note) => `${wrapText(`- ${note}`, 80, 2)}\n`).join("")}`,
      );
      return 0;
    }
    if (context.values.has("set"))
      throw new UsageError({ what: "A checkpoint is exported as it is.", fix: "leave --set out" });
    const step = wholeNumber("step", textOption(context, "step"), 0);
    const { exportHuggingFace } = await import("../../export/export-hugging-face");
    const exported = await exportHuggingFace({
      run: textOption(context, "run")!,
      out,
      step,
      separate: context.args["separate"] === true,
    });
    context.output.out(`Step ${exported.step}${exported.merged ? ", adapter merged," : ""} is in ${exported.folder}\n`);
    return 0;
  },
};
