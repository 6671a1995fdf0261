import type { CurationConfig } from "@v-triune/data-filters";
import { ConfigError } from "@v-triune/errors";
import { textOption, type Command } from "../syntax/command";

/** Raw sources to one corpus in the Orsta layout. */
export const curateCommand: Command = {
  meta: { name: "curate", description: "Make one Parquet corpus out of raw data sources" },
  args: {
    config: { type: "positional", description: "A .yaml, .json or .ts file: sources, rules, output" },
    set: {
      type: "string",
      valueHint: "key=value",
      description: "Override a key of the file, e.g. --set output=./corpus; may be repeated",
    },
    explain: {
      type: "string",
      valueHint: "source/id",
      description: "Say what became of a row in the run that the file's output holds; may be repeated",
    },
    "all-reasons": { type: "boolean", description: "Record every rule that hits a row, not the first only" },
    strict: { type: "boolean", description: "Stop at the first record that can't be used instead of counting it" },
    json: { type: "boolean", description: "Print the report, or the explanation, as JSON" },
  },
  examples: [
    "v-triune curate corpus.yaml",
    "v-triune curate corpus.yaml --set seed=7 --set sources[0].limit=100",
    "v-triune curate corpus.yaml --explain mm_math/MM_Math/1234",
  ],
  notes:
    "Reads the owners' files as they are, applies the rule filters, and writes one Parquet file a source. Each dropped row keeps its reason: ledger.parquet and report.html lie beside the files.",
  async execute(context) {
    const { output, values, args } = context;
    const { loadCurationConfig } = await import("../../curate/load-curation-config");
    const { config, withLine } = await loadCurationConfig(textOption(context, "config")!, values.get("set"));
    const keys = values.get("explain") ?? [];
    if (keys.length > 0) {
      output.out(await explained(config, keys, args["json"] === true));
      return 0;
    }
    try {
      const wanted = args["all-reasons"] === true ? { ...config, allReasons: true } : config;
      return await curated(wanted, args["strict"] === true, args["json"] === true, output.out);
    } catch (error) {
      throw withLine(error);
    }
  },
};

async function explained(config: CurationConfig, keys: readonly string[], json: boolean): Promise<string> {
  const { explainRow, formatExplanation } = await import("@v-triune/data-filters");
  if (typeof config?.output !== "string" || config.output === "") {
    throw new ConfigError({
      what: "The file names no output folder.",
      expected: "output: the folder of the finished run",
      fix: "add it, or --set output=FOLDER",
    });
  }
  const explanations = [];
  for (const key of keys) explanations.push(await explainRow(config.output, key));
  if (!json) return `${explanations.map(formatExplanation).join("\n\n")}\n`;
  return `${JSON.stringify(explanations.length === 1 ? explanations[0] : explanations, null, 2)}\n`;
}

async function curated(
  config: CurationConfig,
  strict: boolean,
  json: boolean,
  print: (text: string) => void,
): Promise<number> {
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
    const report = await curate(config, { onProgress: view.update, signal: interruption.signal, strict });
    view.close();
    if (json) {
      print(`${JSON.stringify(report, null, 2)}\n`);
      return 0;
    }
    const examples = report.sources.flatMap(({ source, unreadableExamples }) =>
      unreadableExamples.slice(0, 3).map((example) => `  ${source}: ${example.split("\n").join("\n    ")}`),
    );
    const unreadable =
      examples.length === 0
        ? ""
        : `\n${report.totals.unreadable} rows could not be used, among them:\n${examples.join("\n")}\n`;
    const kept =
      report.files.length === 0
        ? "Every row was dropped; report.html in it says why.\n"
        : `Train on it: data: {train: ${report.output}/train_*.parquet}\n`;
    print(`${formatFunnel(report).trimEnd()}\n${unreadable}\nCorpus: ${report.output}\n${kept}`);
    return 0;
  } catch (error) {
    view.close();
    if (interruption.requested) return 130;
    throw error;
  } finally {
    interruption.dispose();
  }
}
