import { nearest } from "@v-triune/schema";
import { UsageError } from "../../errors";
import { wholeNumber } from "../arguments";
import { textOption, type Command } from "../command";

const FORMATS = ["hf"] as const;

/** A run's result in a form that others take. */
export const exportCommand: Command = {
  meta: { name: "export", description: "Write a checkpoint as a model that others load" },
  args: {
    format: { type: "positional", description: "hf: a folder in Hugging Face layout" },
    run: { type: "positional", description: "The run's folder" },
    out: { type: "string", alias: "o", valueHint: "folder", description: "The folder to make" },
    step: { type: "string", valueHint: "step", description: "Which checkpoint; the last one unless told" },
    separate: { type: "boolean", description: "Keep a LoRA adapter by itself, in peft's layout, instead of merging it" },
  },
  examples: ["v-triune export hf runs/counting -o counting-model", "v-triune export hf runs/counting --step 40 -o step-40"],
  notes: "transformers, vLLM and SGLang load the folder as it is.",
  async execute(context) {
    const format = textOption(context, "format");
    if (format !== "hf") {
      const meant = nearest(String(format), FORMATS);
      throw new UsageError({ what: `v-triune export can't write "${String(format)}".`, expected: `one of ${FORMATS.join(", ")}`, fix: meant === null ? "see v-triune export --help" : `did you mean "v-triune export ${meant}"?` });
    }
    const out = textOption(context, "out");
    if (out === undefined) throw new UsageError({ what: "The export needs a folder to write to.", fix: "name one with -o FOLDER" });
    const step = wholeNumber("step", textOption(context, "step"), 0);
    const { exportHuggingFace } = await import("../../export/export-hugging-face");
    const exported = await exportHuggingFace({ run: textOption(context, "run")!, out, step, separate: context.args["separate"] === true });
    context.output.out(`Step ${exported.step}${exported.merged ? ", adapter merged," : ""} is in ${exported.folder}\n`);
    return 0;
  },
};
