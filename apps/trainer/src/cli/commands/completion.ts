import { nearest } from "@v-triune/errors";
import { UsageError } from "../../errors";
import { SHELLS, completionScript, type Shell } from "../completion/completion-scripts";
import { textOption, type Command } from "../syntax/command";

/**
 * Tab completion in a shell.
 *
 * @param allCommands what is completed, this command included
 */
export const createCompletionCommand = (allCommands: () => readonly Command[]): Command => ({
  meta: { name: "completion", description: "Print a script that completes this command in a shell" },
  args: { shell: { type: "positional", description: SHELLS.join(", ") } },
  firstArguments: SHELLS,
  examples: [
    "source <(v-triune completion bash)     # in ~/.bashrc",
    "source <(v-triune completion zsh)      # in ~/.zshrc, after compinit",
    "v-triune completion fish | source      # in ~/.config/fish/config.fish",
  ],
  async execute(context) {
    const shell = textOption(context, "shell")!;
    if (!SHELLS.some((known) => known === shell)) {
      const meant = nearest(shell, SHELLS);
      throw new UsageError({
        what: `There is no completion for "${shell}".`,
        expected: `one of ${SHELLS.join(", ")}`,
        fix: meant === null ? "see v-triune completion --help" : `did you mean "v-triune completion ${meant}"?`,
      });
    }
    context.output.out(completionScript(shell as Shell, allCommands()));
  },
});
