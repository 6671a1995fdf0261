import { readFileSync } from "node:fs";
import type { Verdict } from "@v-triune/verifiers";
import type { Explanation } from "@v-triune/verifiers/answer";
import { UsageError } from "../../errors";
import { textOption, type Command, type CommandContext } from "../syntax/command";

/** One response against one gold answer, with the reasons. */
export const judgeCommand: Command = {
  meta: { name: "judge", description: "Judge one response, and show what the verifier made of it" },
  args: {
    gold: { type: "string", valueHint: "text", description: "The gold answer, as a sample carries it" },
    response: {
      type: "string",
      valueHint: "file",
      description: "The file that holds the response; - reads it from the standard input",
    },
    verifier: { type: "string", valueHint: "name", description: "The verifier that judges. Default answer." },
    params: {
      type: "string",
      valueHint: "json",
      description: 'The sample\'s parameters, for example \'{"type": "code"}\'',
    },
    explain: { type: "boolean", description: "Show what was found in the response, how it was read and compared" },
    json: { type: "boolean", description: "Print JSON" },
  },
  examples: [
    'v-triune judge --gold "5 cm" --response answer.txt --explain',
    "echo 'It is 50 mm.' | v-triune judge --gold '5 cm' --response -",
    "v-triune judge --gold B --response answer.txt --verifier choice",
  ],
  notes: "Exits with 1 when the answer is wrong, and with 2 when there is no verdict.",
  async execute(context) {
    const { args, output } = context;
    const groundTruth = required(context, "gold", 'a text, for example --gold "5 cm"');
    const response = readResponse(required(context, "response", "a file, or - for the standard input"));
    const params = readParams(textOption(context, "params"));
    const verdict = await verdictOf(textOption(context, "verifier") ?? "answer", groundTruth, response, params);
    const isExplained = args["explain"] === true && (textOption(context, "verifier") ?? "answer") === "answer";
    const explanation = isExplained
      ? (await import("@v-triune/verifiers/answer")).explain(groundTruth, response, params)
      : undefined;
    if (args["json"] === true)
      output.out(`${JSON.stringify({ verdict, ...(explanation && { explanation }) }, null, 2)}\n`);
    else
      output.out(`${[...formatVerdict(verdict), ...(explanation ? formatExplanation(explanation) : [])].join("\n")}\n`);
    return verdict.status !== "scored" ? 2 : verdict.accuracy >= 0.5 ? 0 : 1;
  },
};

async function verdictOf(
  name: string,
  groundTruth: string,
  response: string,
  params: Readonly<Record<string, unknown>> | undefined,
): Promise<Verdict> {
  const { createVerifierRegistry } = await import("@v-triune/verifiers");
  const { default: builtinVerifiers } = await import("@v-triune/rewards/builtin-verifiers");
  const registry = createVerifierRegistry(builtinVerifiers());
  if (!registry.has(name))
    throw new UsageError({
      what: "The option --verifier names no verifier.",
      expected: registry.names.join(", "),
      found: name,
    });
  return registry.get(name).verify(response, { groundTruth, ...(params && { params }) });
}

function required(context: CommandContext, name: string, expected: string): string {
  const value = textOption(context, name);
  if (value !== undefined) return value;
  throw new UsageError({ what: `The option --${name} is missing.`, expected, found: "nothing" });
}

function readResponse(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError({
      what: "The response cannot be read.",
      where: file,
      expected: "a text file, or - for the standard input",
      found: error instanceof Error ? error.message : String(error),
    });
  }
}

function readParams(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) return undefined;
  const params = parsed(text);
  if (typeof params === "object" && params !== null && !Array.isArray(params)) return params as Record<string, unknown>;
  throw new UsageError({
    what: "The option --params is no JSON object.",
    expected: 'an object, for example {"type": "code"}',
    found: text,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const WIDTH = 80;
/** One line of a name and a text, cut to the width of a terminal. */
const line = (name: string, text: string): string => {
  const shown = `  ${name.padEnd(12)} ${text.replaceAll("\n", "\\n")}`;
  return shown.length <= WIDTH ? shown : `${shown.slice(0, WIDTH - 2)}..`;
};

function formatVerdict(verdict: Verdict): string[] {
  if (verdict.status !== "scored") return [`no verdict (${verdict.status})`, line("reason", verdict.reason)];
  const word = verdict.accuracy === 1 ? "right" : verdict.accuracy === 0 ? "wrong" : "partly right";
  const metrics = Object.entries(verdict.metrics).map(([name, value]) => line(name, String(value)));
  return [word, line("accuracy", String(verdict.accuracy)), line("format", String(verdict.format)), ...metrics];
}

function formatExplanation({ reason, gold, cuts, places }: Explanation): string[] {
  const lines = ["", "gold answer"];
  if (gold !== undefined)
    lines.push(line("written", gold.text), line("type", gold.type), line("read as", gold.normalized));
  lines.push("", "response");
  if (cuts !== undefined && cuts.length > 0) lines.push(line("cut by", cuts.join(", ")));
  for (const { how, start, end, text, normalized, steps, comparison } of places ?? []) {
    lines.push(`  ${how}, characters ${start} to ${end}`);
    lines.push(line("  written", text), line("  read as", normalized));
    if (steps.length > 0) lines.push(line("  steps", steps.map(({ step }) => step).join(", ")));
    lines.push(
      line(
        "  compared",
        comparison === undefined ? "no, it is nothing of the gold's kind" : `as ${comparison.read}: ${comparison.why}`,
      ),
    );
  }
  return [...lines, "", line("because", reason)];
}
