import type { Command } from "../command";

/** What this machine offers. */
export const doctorCommand: Command = {
  meta: { name: "doctor", description: "Show which backends work here, and why others do not" },
  args: {
    measure: { type: "boolean", default: true, description: "Measure the speed of each backend; --no-measure is faster" },
    json: { type: "boolean", description: "Print JSON" },
  },
  notes: "Exits with 1 when no backend works.",
  async execute({ args, output }) {
    const { runDoctor, formatDoctor } = await import("@v-triune/backend");
    const report = await runDoctor({ measure: args["measure"] !== false });
    output.out(args["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : formatDoctor(report));
    return report.chosen === undefined ? 1 : 0;
  },
};
