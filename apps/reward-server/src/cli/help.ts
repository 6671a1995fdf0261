import { SERVER_ARGUMENTS } from "./arguments";

const WIDTH = 80;
const COLUMN = 26;

/** The help of `v-triune-reward-server`, 80 columns wide, made from the table that is parsed with. */
export function serverHelp(version: string): string {
  const rows = [
    ...Object.entries(SERVER_ARGUMENTS),
    ["help", { type: "boolean", description: "Show this text; --version shows the version" }] as const,
  ];
  const options = rows.map(([name, argument]) => {
    const hint = "valueHint" in argument ? argument.valueHint : "options" in argument ? argument.options.join("|") : "";
    const left = `  --${name}${hint === "" ? "" : ` ${hint}`}`;
    const right = wrap(argument.description, WIDTH - COLUMN).join(`\n${" ".repeat(COLUMN)}`);
    return left.length < COLUMN - 1 ? left.padEnd(COLUMN) + right : `${left}\n${" ".repeat(COLUMN)}${right}`;
  });
  return [
    `v-triune-reward-server ${version}: rewards over HTTP, judged in isolated workers`,
    "Usage: v-triune-reward-server [OPTIONS]",
    ["Options:", ...options].join("\n"),
    [
      "Examples:",
      "  v-triune-reward-server --port 9000 --verifier ./my-verifier.ts",
      "  v-triune-reward-server --host 0.0.0.0 --token-file ./token",
    ].join("\n"),
    "Point the original V-Triune trainer at /judge, OpenRLHF at /openrlhf, slime at\n/slime; verl and TRL take the file that `npx @v-triune/rewards python-client`\nprints.\n",
  ].join("\n\n");
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
