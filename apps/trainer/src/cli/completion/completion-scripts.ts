/**
 * Completion of the command line in a shell: scripts made once from the commands' definitions, so that a press of Tab
 * starts no Node. What the definitions do not know, such as a configuration's path, is completed as a file name.
 */
import { aliasesOf } from "../syntax/arguments";
import type { Command } from "../syntax/command";

/** The shells that a script can be made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Option {
  readonly name: string;
  readonly short: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** The values it may have; empty: any. */
  readonly values: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  /** The values of its first argument; empty: a file name. */
  readonly firstValues: readonly string[];
}

function entryOf({ meta, args, firstArguments = [] }: Command): Entry {
  const options = Object.entries(args).flatMap(([name, arg]): Option[] =>
    arg.type === "positional"
      ? []
      : [
          {
            name,
            short: aliasesOf(arg),
            description: arg.description ?? "",
            takesValue: arg.type !== "boolean",
            values: arg.type === "enum" ? ((arg as { options?: string[] }).options ?? []) : [],
          },
        ],
  );
  const help = { name: "help", short: ["h"], description: "Show this text", takesValue: false, values: [] };
  return { ...meta, options: [...options, help], firstValues: firstArguments };
}

/** The script that a shell evaluates to complete `v-triune`. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const entries = commands.map(entryOf);
  if (shell === "bash") return bashScript(entries);
  return shell === "zsh" ? zshScript(entries) : fishScript(entries);
}

const spelled = ({ name, short }: Option): string[] => [`--${name}`, ...short.map((letter) => `-${letter}`)];

function bashScript(entries: readonly Entry[]): string {
  const words = entries.map(({ name, options, firstValues }) => {
    const all = options.flatMap(spelled).join(" ");
    const values = options
      .filter(({ takesValue }) => takesValue)
      .map((option) => {
        const pattern = spelled(option).join("|");
        // Without values of its own, the shell completes a file name.
        return `        ${pattern}) words='${option.values.join(" ")}' ;;`;
      });
    return `    ${name})
      case $previous in
${[...values, `        ${name}) words='${firstValues.join(" ")}' ;;`].join("\n")}
      esac
      [[ $current == -* ]] && words='${all}'
      ;;`;
  });
  return `# v-triune in bash: source <(v-triune completion bash)
_v_triune() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${[...entries.map(({ name }) => name), "help", "--help", "--version"].join(" ")}' -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${words.join("\n")}
    help) words='${entries.map(({ name }) => name).join(" ")}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _v_triune v-triune
`;
}

/** In single quotes, without what _arguments reads as its own syntax. */
const zshText = (text: string): string => text.replaceAll("'", "’").replaceAll(/[[\]:\\]/g, (mark) => `\\${mark}`);

function zshScript(entries: readonly Entry[]): string {
  const cases = entries.map(({ name, options, firstValues }) => {
    const specs = options.flatMap((option) => {
      const value = option.values.length === 0 ? "_files" : `(${option.values.join(" ")})`;
      const action = option.takesValue ? `:${option.name}:${value}` : "";
      return spelled(option).map((spelling) => `'*${spelling}[${zshText(option.description)}]${action}'`);
    });
    const first = firstValues.length === 0 ? "_files" : `(${firstValues.join(" ")})`;
    return `    ${name}) _arguments -s ${[...specs, `'1:argument:${first}'`, "'*:file:_files'"].join(" \\\n      ")} ;;`;
  });
  const names = entries.map(({ name, description }) => `'${name}:${zshText(description)}'`);
  return `#compdef v-triune
# v-triune in zsh, after compinit: source <(v-triune completion zsh)
_v_triune() {
  if ((CURRENT == 2)); then
    local -a commands=(
      ${names.join("\n      ")}
    )
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${cases.join("\n")}
  esac
}
compdef _v_triune v-triune
`;
}

const fishText = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function fishScript(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ name, description, options, firstValues }) => {
    const within = `complete -c v-triune -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c v-triune -n __fish_use_subcommand -f -a ${name} -d ${fishText(description)}`,
      ...options.map((option) => {
        const short = option.short.map((letter) => ` -s ${letter}`).join("");
        const value = !option.takesValue
          ? ""
          : option.values.length === 0
            ? " -r"
            : ` -x -a '${option.values.join(" ")}'`;
        return `${within} -l ${option.name}${short}${value} -d ${fishText(option.description)}`;
      }),
      ...(firstValues.length === 0 ? [] : [`${within} -f -a '${firstValues.join(" ")}'`]),
    ];
  });
  return `# v-triune in fish: v-triune completion fish | source\n${lines.join("\n")}\n`;
}
