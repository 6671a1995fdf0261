import { resolve } from "node:path";
import { UsageError } from "../../errors";
import { textOption, type Command } from "../syntax/command";

/** What a run's metrics say about its layers. */
export const analyzeCommand: Command = {
  meta: { name: "analyze", description: "Show what a run's metrics say: gradients by layer" },
  args: {
    what: { type: "positional", description: "gradients: norms by layer, vision tower and language model" },
    run: { type: "positional", description: "The run's folder" },
    json: { type: "boolean", description: "Print JSON" },
    svg: { type: "string", valueHint: "file", description: "Write a picture, too" },
  },
  firstArguments: ["gradients"],
  examples: ["v-triune analyze gradients runs/counting --svg gradients.svg"],
  async execute(context) {
    const what = textOption(context, "what");
    if (what !== "gradients")
      throw new UsageError({
        what: `v-triune analyze knows no "${String(what)}".`,
        expected: "gradients",
        fix: "see v-triune analyze --help",
      });
    const { formatGradientProfile, readGradientProfile } = await import("../../analysis/gradient-profile");
    const profile = await readGradientProfile(resolve(textOption(context, "run")!));
    const picture = textOption(context, "svg");
    if (picture !== undefined) {
      const [{ gradientPicture }, { writeFileAtomic }] = await Promise.all([
        import("../../analysis/gradient-picture"),
        import("@v-triune/training/run-folder"),
      ]);
      await writeFileAtomic(resolve(picture), gradientPicture(profile));
    }
    context.output.out(
      context.args["json"] === true ? `${JSON.stringify(profile, null, 2)}\n` : formatGradientProfile(profile),
    );
    return 0;
  },
};
