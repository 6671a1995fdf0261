/**
 * Load and faults for the reward server, on this machine only:
 *
 *     npm run build && node tools/run.mjs tools/load/reward-server.ts throughput halfload memory hanging kills restart nginx fuzz
 *     node tools/run.mjs tools/load/reward-server.ts kills --seconds 60
 *     node tools/run.mjs tools/load/reward-server.ts soak --requests 1000000
 *
 * The generator shares the cores with the server. Whatever does not hold makes the command fail.
 */
import { parseArgs } from "node:util";
import { kills, restart } from "./faults";
import { fuzz } from "./fuzz";
import { hanging } from "./hanging";
import { nginx } from "./nginx";
import type { ScenarioOptions } from "./scenario";
import { soak } from "./soak";
import { halfload, memory, throughput } from "./throughput";

const SCENARIOS: Readonly<Record<string, (options: ScenarioOptions) => Promise<void>>> = {
  throughput,
  halfload,
  memory,
  hanging,
  kills,
  restart,
  nginx,
  fuzz,
  soak,
};
const DEFAULT_REQUESTS: Readonly<Record<string, number>> = { fuzz: 10_000, soak: 100_000 };

const { values, positionals } = parseArgs({
  options: { seconds: { type: "string", default: "10" }, requests: { type: "string" } },
  allowPositionals: true,
});
const wrong = positionals.find((name) => !(name in SCENARIOS));
const counts = [values.seconds, values.requests ?? "1"].map(Number);
if (positionals.length === 0 || wrong !== undefined || !counts.every((count) => count > 0)) {
  console.error(
    `${wrong === undefined ? "say what to run" : `there is no ${wrong}`}: ${Object.keys(SCENARIOS).join(" ")} ` +
      "[--seconds 10] [--requests 100000]",
  );
  process.exit(2);
}
for (const name of positionals) {
  console.log(name);
  await SCENARIOS[name]?.({
    seconds: Number(values.seconds),
    requests: Number(values.requests ?? DEFAULT_REQUESTS[name] ?? 1),
  });
}
