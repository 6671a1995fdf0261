import { totalmem } from "node:os";
import { wrapText } from "@v-triune/errors";
import { PRESETS, type PresetName } from "@v-triune/training/config";
import { UsageError } from "../../errors";
import { textOption, type Command } from "../syntax/command";

/** A first configuration. */
export const initCommand: Command = {
  meta: { name: "init", description: "Write a commented configuration to begin with" },
  args: {
    folder: { type: "positional", description: "The folder to make; its name is the run's" },
    model: { type: "string", valueHint: "folder", description: "The model, in Hugging Face layout" },
    data: {
      type: "string",
      valueHint: "path",
      description: "The corpus: a folder, a Parquet file or a glob. Its test_* files become data.eval",
    },
    preset: {
      type: "enum",
      options: [...PRESETS],
      default: "v-triune-on-policy",
      description: "Whose defaults to begin from",
    },
  },
  examples: ["v-triune init my-run --model ./Qwen2.5-VL-3B-Instruct --data ./corpus"],
  notes: "Batch sizes and LoRA are chosen so that the run fits in this machine's memory.",
  async execute(context) {
    const [model, data] = [textOption(context, "model"), textOption(context, "data")];
    if (model === undefined || data === undefined)
      throw new UsageError({
        what: `v-triune init needs --${model === undefined ? "model" : "data"}.`,
        fix: "see v-triune init --help",
      });
    const folder = textOption(context, "folder")!;
    const { initRun } = await import("../../init/init-run");
    const made = await initRun({
      folder,
      model,
      data,
      preset: (textOption(context, "preset") ?? "v-triune-on-policy") as PresetName,
      memory: totalmem(),
    });
    const test = made.testSamples === 0 ? "" : `${made.testSamples} test samples, for evaluation only\n`;
    const warning = made.warning === null ? "" : `\nWarning: ${wrapText(made.warning, 80, 9)}\n`;
    context.output.out(
      `${made.file}\n${wrapText(`${made.samples} samples: ${made.sources.join(", ")}`, 80, 2)}\n${test}${warning}\n` +
        `${made.memory}\n\nNext: v-triune train ${folder} --dry-run\n`,
    );
    return 0;
  },
};
