// npm run soak [-- --steps 200 --workers auto --seed 1]: the demonstration's run on wasm, long; memory must not grow
// and no tensor be left behind.
import { parseArgs } from "node:util";
import { soak } from "../apps/trainer/src/testing/soak";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "200" },
    workers: { type: "string", default: "auto" },
    seed: { type: "string", default: "1" },
  },
});
const [steps, seed] = [Number(values.steps), Number(values.seed)];
const workers = values.workers === "auto" ? "auto" : Number(values.workers);
if (![steps, seed, workers === "auto" ? 1 : workers].every(Number.isInteger) || steps < 8) {
  console.error("--steps (from 8), --seed and --workers (or auto) are whole numbers.");
  process.exit(2);
}
process.exit((await soak({ steps, seed, workers, print: (line) => console.log(line) })) ? 0 : 1);
