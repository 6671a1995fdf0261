import { textOption, type Command } from "../command";

/** Raw sources to one corpus in the Orsta layout. */
export const curateCommand: Command = {
  meta: { name: "curate", description: "Make one Parquet corpus out of raw data sources" },
  args: {
    config: { type: "positional", description: "A .yaml, .json or .ts file: sources, rules, output" },
    set: { type: "string", valueHint: "key=value", description: "Override a key of the file, e.g. --set output=./corpus; may be repeated" },
    strict: { type: "boolean", description: "Stop at the first record that can't be used instead of counting it" },
    json: { type: "boolean", description: "Print the report as JSON" },
  },
  examples: ["v-triune curate corpus.yaml", "v-triune curate corpus.yaml --set seed=7 --set sources[0].limit=100"],
  notes: "Reads the owners' files as they are, applies the rule filters, and writes one Parquet file a source. Each dropped row keeps its reason, in report.json beside them.",
  async execute(context) {
    const { output, values, args } = context;
    const [{ loadCurationConfig }, { curate, formatFunnel }, { catchInterruption }, { createCurationView }] = await Promise.all([
      import("../../curate/load-curation-config"),
      import("@v-triune/data-filters"),
      import("../interruption"),
      import("../../curate/curation-view"),
    ]);
    const { config, withLine } = await loadCurationConfig(textOption(context, "config")!, values.get("set"));
    const interruption = catchInterruption({ message: "Stopping; nothing is written. Press Ctrl-C again to stop at once." });
    const view = createCurationView(process.stderr);
    try {
      const report = await curate(config, { onProgress: view.update, signal: interruption.signal, strict: args["strict"] === true });
      view.close();
      if (args["json"] === true) {
        output.out(`${JSON.stringify(report, null, 2)}\n`);
        return 0;
      }
      const examples = report.sources.flatMap(({ source, unreadableExamples }) => unreadableExamples.slice(0, 3).map((example) => `  ${source}: ${example.split("\n").join("\n    ")}`));
      const unreadable = examples.length === 0 ? "" : `\n${report.totals.unreadable} rows could not be used, among them:\n${examples.join("\n")}\n`;
      output.out(`${formatFunnel(report).trimEnd()}\n${unreadable}\nCorpus: ${report.output}\nTrain on it: data: {train: ${report.output}/*.parquet}\n`);
      return 0;
    } catch (error) {
      view.close();
      if (interruption.requested) return 130;
      throw withLine(error);
    } finally {
      interruption.dispose();
    }
  },
};
