#!/usr/bin/env node
// Plain JavaScript, so that it also runs in a clone that was never built.
import { readFileSync } from "node:fs";

const USAGE = `usage: v-triune-rewards python-client > v_triune_reward.py

Prints the Python client of the reward server: one file, standard library only,
with reward functions for verl, TRL, OpenRLHF and slime. Its first lines say how
to use it with each of them.

--version prints the version.
`;

const [command, ...rest] = process.argv.slice(2);
if (command === "python-client" && rest.length === 0) {
  process.stdout.write(readFileSync(new URL("../python/v_triune_reward.py", import.meta.url)));
} else if (command === "--help" || command === "-h") {
  process.stdout.write(USAGE);
} else if (command === "--version") {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  process.stdout.write(`${version}\n`);
} else {
  const found =
    command === undefined
      ? ""
      : `v-triune-rewards: unknown command ${JSON.stringify([command, ...rest].join(" "))}\n\n`;
  process.stderr.write(found + USAGE);
  process.exitCode = 2;
}
