// npm run soak [-- --steps 200 --workers auto --seed 1]: the demonstration's run on wasm, long; memory must not grow
// and no tensor be left behind. With --families: a tiny run of each model family, on wasm or what --backend names.
import { parseArgs } from "node:util";
import type { BackendSetting } from "@v-triune/training/config";
import { demoFamilies } from "@v-triune/demo-tasks";
import { soak, soakFamily } from "../apps/trainer/src/testing/soak";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "200" },
    workers: { type: "string", default: "auto" },
    seed: { type: "string", default: "1" },
    families: { type: "boolean", default: false },
    backend: { type: "string", default: "wasm" },
  },
});
const [steps, seed] = [Number(values.steps), Number(values.seed)];
const workers = values.workers === "auto" ? "auto" : Number(values.workers);
if (![steps, seed, workers === "auto" ? 1 : workers].every(Number.isInteger) || steps < 8) {
  console.error("--steps (from 8), --seed and --workers (or auto) are whole numbers.");
  process.exit(2);
}
const print = (line: string): void => console.log(line);
let isWell = true;
if (values.families) {
  const backend = values.backend as BackendSetting;
  for (const family of demoFamilies) isWell = (await soakFamily({ family, backend, steps, seed, print })) && isWell;
} else isWell = await soak({ steps, seed, workers, print });
process.exit(isWell ? 0 : 1);
