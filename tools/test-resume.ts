// npm run test:resume [-- --kills 20 --steps 30 --seed 1 --workers 2 --async 0 --turns]: kills small runs at random
// points (with --turns in the middle of conversations), resumes them, compares every byte.
import { parseArgs } from "node:util";
import { resumeStress } from "../apps/trainer/src/testing/resume-stress";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    steps: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
    async: { type: "string", default: "0" },
    turns: { type: "boolean", default: false },
  },
});
const [kills, steps, seed, workers] = [values.kills, values.steps, values.seed, values.workers].map(Number) as [
  number,
  number,
  number,
  number,
];
if (![kills, steps, seed, workers].every(Number.isInteger) || kills < 1 || steps < 3 || workers < 1) {
  console.error("--kills (from 1), --steps (from 3), --seed and --workers (from 1) are whole numbers.");
  process.exit(2);
}
const asyncLevel = values.async === "1" ? 1 : 0;
const problems = await resumeStress({
  kills,
  steps,
  seed,
  workers,
  asyncLevel,
  turns: values.turns,
  print: (line) => console.log(line),
});
console.log(
  problems.length === 0
    ? `\nAll ${kills} killed runs ended with the bytes of the untouched one.`
    : `\n${problems.length} differences:\n${problems.join("\n")}`,
);
process.exit(problems.length === 0 ? 0 : 1);
