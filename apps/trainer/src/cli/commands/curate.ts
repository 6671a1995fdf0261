import type { CurationConfig, ReferenceSet } from "@v-triune/data-filters";
import { ConfigError, wrapText } from "@v-triune/errors";
import { UsageError } from "../../errors";
import { textOption, type Command, type CommandContext } from "../syntax/command";

/** Raw sources to one corpus in the Orsta layout. */
export const curateCommand: Command = {
  meta: { name: "curate", description: "Make one Parquet corpus out of raw data sources" },
  args: {
    config: { type: "positional", description: "A .yaml, .json or .ts file: sources, rules, output; or `init`" },
    folder: { type: "positional", required: false, description: "With init: the folder whose files are looked at" },
    output: {
      type: "string",
      alias: "o",
      valueHint: "file",
      description: "With init: the file to write. Default corpus.yaml",
    },
    set: {
      type: "string",
      valueHint: "key=value",
      description: "Override a key of the file, e.g. --set output=./corpus; may be repeated",
    },
    explain: {
      type: "string",
      valueHint: "source/id",
      description: "Show what became of a row in the output folder; may be repeated",
    },
    suspects: {
      type: "string",
      valueHint: "n",
      description: "Show the n golds of the output folder that look most wrong, by the answers of its rollouts",
    },
    "all-reasons": { type: "boolean", description: "Record every rule that hits a row, not only the first" },
    overwrite: { type: "boolean", description: "Replace the result of an earlier run in the output folder" },
    append: {
      type: "boolean",
      description: "Add the file's sources to those of the run in the output folder, and curate all of them again",
    },
    strict: { type: "boolean", description: "Stop at the first record that can't be used instead of counting it" },
    json: { type: "boolean", description: "Print the report, or the explanation, as JSON" },
  },
  examples: [
    "v-triune curate init ./my-data",
    "v-triune curate corpus.yaml",
    "v-triune curate corpus.yaml --overwrite --set sources[0].limit=100",
    "v-triune curate corpus.yaml --explain mm_math/MM_Math/1234",
    "v-triune curate corpus.yaml --overwrite --set decisions=decisions.json",
  ],
  notes:
    "`init FOLDER` looks at the files of a folder and writes a commented configuration to begin with. A run reads " +
    "the owners' files as they are, applies the rule filters, and writes one Parquet file for each source. Each " +
    "dropped row keeps its reason: ledger.parquet and report.html lie beside the files. With rollouts, " +
    "report.html shows golds that look wrong; decisions names the file that its page saved. The exit code is 2 if no " +
    "row was kept.",
  async execute(context) {
    const { output, values, args } = context;
    const folder = textOption(context, "folder");
    if (textOption(context, "config") === "init" && folder !== undefined) {
      const { initCuration, formatInitialized } = await import("../../curate/init-curation");
      output.out(formatInitialized(await initCuration(folder, textOption(context, "output") ?? "corpus.yaml")));
      return 0;
    }
    if (folder !== undefined) {
      throw new UsageError({
        what: "v-triune curate takes one configuration.",
        found: folder,
        fix: "run v-triune curate CONFIG, or v-triune curate init FOLDER",
      });
    }
    if (args["overwrite"] === true && args["append"] === true) {
      throw new UsageError({
        what: "--overwrite and --append exclude each other.",
        fix: "use --append to keep the sources of the earlier run, --overwrite to leave them out",
      });
    }
    const { loadCurationConfig } = await import("../../curate/load-curation-config");
    const { config, withLine } = await loadCurationConfig(textOption(context, "config")!, values.get("set"));
    const suspects = textOption(context, "suspects");
    if (suspects !== undefined) {
      output.out(await suspected(config, suspects, args["json"] === true));
      return 0;
    }
    const keys = values.get("explain") ?? [];
    if (keys.length > 0) {
      output.out(await explained(config, keys, args["json"] === true));
      return 0;
    }
    try {
      const wanted = args["all-reasons"] === true ? { ...config, allReasons: true } : config;
      return await curated(wanted, context);
    } catch (error) {
      throw withLine(error);
    }
  },
};

/** The folder of the finished run. */
function outputOf(config: CurationConfig): string {
  if (typeof config?.output === "string" && config.output !== "") return config.output;
  throw new ConfigError({
    what: "The file names no output folder.",
    expected: "output: the folder of the finished run",
    fix: "add it, or --set output=FOLDER",
  });
}

async function suspected(config: CurationConfig, count: string, json: boolean): Promise<string> {
  const most = Number(count);
  if (!Number.isSafeInteger(most) || most < 1) {
    throw new UsageError({
      what: "--suspects takes a number of rows.",
      expected: "a whole number of at least 1",
      found: count,
      fix: "--suspects 20",
    });
  }
  const { formatSuspiciousGolds, suspiciousGolds } = await import("@v-triune/data-filters");
  const golds = await suspiciousGolds(outputOf(config), most);
  return `${json ? JSON.stringify(golds, null, 2) : formatSuspiciousGolds(golds)}\n`;
}

async function explained(config: CurationConfig, keys: readonly string[], json: boolean): Promise<string> {
  const { explainRows, formatExplanation } = await import("@v-triune/data-filters");
  const folder = outputOf(config);
  const explanations = [];
  for (const key of keys) explanations.push(...(await explainRows(folder, key)));
  if (!json) return `${explanations.map(formatExplanation).join("\n\n")}\n`;
  return `${JSON.stringify(explanations.length === 1 ? explanations[0] : explanations, null, 2)}\n`;
}

/** The questions that `decontaminate.benchmarks` names. A wrong type is left for the check. */
async function benchmarksOf({ decontaminate }: CurationConfig): Promise<readonly ReferenceSet[]> {
  const file = decontaminate?.benchmarks;
  if (typeof file !== "string") return [];
  const { benchmarkQuestions } = await import("../../contamination/benchmark-questions");
  return benchmarkQuestions(file);
}

/** The exit code of a run that kept no row. */
const NOTHING_KEPT = 2;

async function curated(config: CurationConfig, { args, output }: CommandContext): Promise<number> {
  const [{ curate, formatFunnel }, { catchInterruption }, { createCurationView }] = await Promise.all([
    import("@v-triune/data-filters"),
    import("../../terminal/interruption"),
    import("../../curate/curation-view"),
  ]);
  const interruption = catchInterruption({
    message: "Stopping; nothing is written. Press Ctrl-C again to stop at once.",
  });
  const view = createCurationView(process.stderr);
  try {
    const benchmarks = await benchmarksOf(config);
    const report = await curate(config, {
      benchmarks,
      onProgress: view.update,
      signal: interruption.signal,
      strict: args["strict"] === true,
      overwrite: args["overwrite"] === true,
      append: args["append"] === true,
    });
    view.close();
    const code = report.totals.kept === 0 ? NOTHING_KEPT : 0;
    if (args["json"] === true) {
      output.out(`${JSON.stringify(report, null, 2)}\n`);
      return code;
    }
    const examples = report.sources.flatMap(({ source, unreadableExamples }) =>
      unreadableExamples.slice(0, 3).map((example) => `  ${source}: ${example.split("\n").join("\n    ")}`),
    );
    const unreadable =
      examples.length === 0
        ? ""
        : `\nRecords that cannot be used: ${report.totals.unreadable}, among them\n${examples.join("\n")}\n`;
    const warnings = (report.warnings ?? []).map((text) => `\nWarning: ${wrapText(text, 80, 9)}\n`).join("");
    const hasTest = report.files.some(({ name }) => name.startsWith("test_"));
    const kept =
      code === 0
        ? `Train on it: data: {train: ${report.output}/train_*.parquet${hasTest ? `, eval: ${report.output}/test_*.parquet` : ""}}\n`
        : `No row was kept. ${report.output}/report.html shows why.\n`;
    output.out(`${formatFunnel(report).trimEnd()}\n${unreadable}${warnings}\nCorpus: ${report.output}\n${kept}`);
    return code;
  } catch (error) {
    view.close();
    if (interruption.requested) return 130;
    throw error;
  } finally {
    interruption.dispose();
  }
}
