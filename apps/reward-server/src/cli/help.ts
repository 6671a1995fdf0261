import { wrapText } from "@v-triune/errors";
import { SERVER_OPTIONS, describeOption, type ServerOption } from "../options";

const WIDTH = 80;
const COLUMN = 26;

/** The help of `v-triune-reward-server`, 80 columns wide. */
export function serverHelp(version: string): string {
  const options = (Object.values(SERVER_OPTIONS) as ServerOption<unknown>[]).flatMap((option) => {
    const { flag, hint } = option;
    if (flag === undefined) return [];
    return [optionLine(hint === undefined ? `--${flag}` : `--${flag} ${hint}`, describeOption(option))];
  });
  return [
    `v-triune-reward-server ${version}: rewards over HTTP, judged in isolated workers`,
    "Usage: v-triune-reward-server [OPTIONS]",
    ["Options:", ...options, optionLine("--help", "Show this text; --version shows the version")].join("\n"),
    [
      "Examples:",
      "  v-triune-reward-server --port 9000 --verifier ./my-verifier.mts",
      "  v-triune-reward-server --host 0.0.0.0 --token-file ./token",
    ].join("\n"),
    `${wrapText(
      "Point the original V-Triune trainer at /judge, OpenRLHF at /openrlhf, slime at /slime. verl and TRL use the " +
        "file that `npx @v-triune/rewards python-client` prints.",
      WIDTH,
      0,
    )}\n`,
  ].join("\n\n");
}

function optionLine(left: string, description: string): string {
  const text = wrapText(description, WIDTH, COLUMN);
  const start = `  ${left}`;
  return start.length < COLUMN - 1 ? start.padEnd(COLUMN) + text : `${start}\n${" ".repeat(COLUMN)}${text}`;
}
