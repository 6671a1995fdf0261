import { textOption, type Command } from "../syntax/command";

/** A verifier of your own, in a folder of your own. */
export const newVerifierCommand: Command = {
  meta: { name: "new-verifier", description: "Make a folder with a verifier of your own and its test" },
  args: {
    name: { type: "positional", description: "The name that samples will carry, for example chart-value" },
    output: { type: "string", alias: "o", valueHint: "folder", description: "The folder to make. Default NAME." },
  },
  examples: ["v-triune new-verifier chart-value", "v-triune new-verifier chart-value -o verifiers/chart-value"],
  notes:
    "The verifier works at once: it compares the answer with the gold answer. Change isRight and golden.json until the " +
    "test says what you mean.",
  async execute(context) {
    const name = textOption(context, "name")!;
    const { makeVerifier } = await import("../../new-verifier/new-verifier");
    const { folder, files, mustInstall } = await makeVerifier(name, textOption(context, "output") ?? name);
    const steps = [`cd ${folder}`, ...(mustInstall ? ["npm install"] : []), "npm test"].join(" && ");
    context.output.out(
      `${files.map((file) => `${folder}/${file}`).join("\n")}\n\n` +
        `Test it:   ${steps}\n` +
        `Audit it:  v-triune audit ${folder}/${name}.mjs --pairs golds.jsonl\n` +
        `Serve it:  v-triune serve --verifier ${folder}/${name}.mjs\n`,
    );
  },
};
