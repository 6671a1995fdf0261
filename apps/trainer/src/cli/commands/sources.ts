import type { Command } from "../syntax/command";

const fit = (text: string, width: number): string =>
  text.length <= width ? text.trimEnd() : `${text.slice(0, width - 2)}..`;

/** Lists everything that `source:` of a curation can be, or says all about one. */
export const sourcesCommand: Command = {
  meta: { name: "sources", description: "List the data sources that curate reads, or show what one needs" },
  args: {
    name: { type: "positional", required: false, description: "A source's key; all are listed without it" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: ["v-triune sources", "v-triune sources geometry3k", "v-triune sources table"],
  async execute({ args, output }) {
    const { sourceCatalogue } = await import("@v-triune/data-filters");
    const { nearest } = await import("@v-triune/errors");
    const { UsageError } = await import("../../errors");
    const { formatColumns } = await import("../syntax/usage");
    const name = args["name"];
    const keys = sourceCatalogue.map(({ key }) => key);
    const chosen = sourceCatalogue.filter(({ key }) => name === undefined || key === name);
    if (chosen.length === 0) {
      const meant = nearest(String(name), keys);
      throw new UsageError({
        what: `There is no source "${String(name)}".`,
        expected: `one of ${keys.join(", ")}`,
        fix: meant === null ? "see v-triune sources" : `did you mean "${meant}"?`,
      });
    }
    if (args["json"] === true) {
      const plain = chosen.map(({ info, ...source }) => ({ ...info, ...source }));
      output.out(`${JSON.stringify(name === undefined ? plain : plain[0], null, 2)}\n`);
      return;
    }
    const [source] = chosen;
    if (name !== undefined && source !== undefined) {
      const { info } = source;
      const about: [string, string][] =
        info === undefined
          ? []
          : [
              ["task", info.task],
              ["verifier", `${info.verifier}, accuracy ${info.accuracyRatio}, format ${info.formatRatio}`],
              ["owner", info.owner],
              ["license", info.license],
              ["where", info.url],
              ["size", info.size],
            ];
      const settings = Object.entries(source.settings).map(([key, text]): [string, string] => [`  ${key}`, text]);
      const rows: [string, string][] = [["key", source.key], ...about, ["files", source.files.join("\n")]];
      const lines = [source.title, ...formatColumns(rows)];
      if (settings.length > 0) lines.push("  settings", ...formatColumns(settings));
      output.out(`${lines.join("\n")}\n`);
      return;
    }
    const width = Math.max(...keys.map((key) => key.length));
    const rows = chosen.map(({ key, title, info }) =>
      fit(
        info === undefined
          ? `  ${key.padEnd(width)}  ${"any".padEnd(9)}  ${title}`
          : `  ${key.padEnd(width)}  ${info.task.padEnd(9)}  ${fit(info.size, 26).padEnd(26)}  ${info.license}`,
        80,
      ),
    );
    output.out(`${rows.join("\n")}\n\nv-triune sources KEY shows where one comes from, its files and its settings.\n`);
  },
};
