import { resolve } from "node:path";
import { UsageError } from "../../errors";
import { textOption, type Command } from "../command";

/** What a run's metrics say about its layers. */
export const analyzeCommand: Command = {
  meta: { name: "analyze", description: "Show what a run's metrics say: gradients by layer" },
  args: {
    what: { type: "positional", description: "gradients: norms by layer, vision tower and language model" },
    run: { type: "positional", description: "The run's folder" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: ["v-triune analyze gradients runs/counting"],
  async execute(context) {
    const what = textOption(context, "what");
    if (what !== "gradients") throw new UsageError({ what: `v-triune analyze knows no "${String(what)}".`, expected: "gradients", fix: "see v-triune analyze --help" });
    const { formatGradientProfile, readGradientProfile } = await import("../../analysis/gradient-profile");
    const profile = await readGradientProfile(resolve(textOption(context, "run")!));
    context.output.out(context.args["json"] === true ? `${JSON.stringify(profile, null, 2)}\n` : formatGradientProfile(profile));
    return 0;
  },
};
