import type { Command } from "../syntax/command";

const fit = (text: string, width: number): string =>
  text.length <= width ? text.trimEnd() : `${text.slice(0, width - 2)}..`;

/** Lists the 18 sources, or says all about one. */
export const sourcesCommand: Command = {
  meta: { name: "sources", description: "List the 18 data sources, or show what one needs" },
  args: {
    name: { type: "positional", required: false, description: "A source's key; all are listed without it" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: ["v-triune sources", "v-triune sources geometry3k"],
  async execute({ args, output }) {
    const { sources, nearest } = await import("@v-triune/schema");
    const { UsageError } = await import("../../errors");
    const { formatColumns } = await import("../syntax/usage");
    const name = args["name"];
    const chosen = name === undefined ? sources : sources.filter((source) => source.key === name);
    if (chosen.length === 0) {
      const meant = nearest(
        String(name),
        sources.map(({ key }) => key),
      );
      throw new UsageError({
        what: `There is no source "${String(name)}".`,
        expected: `one of ${sources.map(({ key }) => key).join(", ")}`,
        fix: meant === null ? "see v-triune sources" : `did you mean "${meant}"?`,
      });
    }
    if (args["json"] === true) {
      output.out(`${JSON.stringify(name === undefined ? chosen : chosen[0], null, 2)}\n`);
      return;
    }
    const [source] = chosen;
    if (name !== undefined && source !== undefined) {
      const rows: [string, string][] = [
        ["key", source.key],
        ["task", source.task],
        ["verifier", `${source.verifier}, accuracy ${source.accuracyRatio}, format ${source.formatRatio}`],
        ["owner", source.owner],
        ["license", source.license],
        ["where", source.url],
        ["size", source.size],
        ["files", source.files.join("\n")],
      ];
      output.out(`${source.title}\n${formatColumns(rows).join("\n")}\n`);
      return;
    }
    const width = Math.max(...chosen.map(({ key }) => key.length));
    const rows = chosen.map(({ key, task, size, license }) =>
      fit(`  ${key.padEnd(width)}  ${task.padEnd(9)}  ${fit(size, 26).padEnd(26)}  ${license}`, 80),
    );
    output.out(`${rows.join("\n")}\n\nv-triune sources KEY says where one comes from and which files are read.\n`);
  },
};
