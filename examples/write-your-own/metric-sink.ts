import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { writeSamples } from "@v-triune/data-filters";
import {
  metricSinkConformance,
  type MetricRecord,
  type MetricSink,
} from "@v-triune/monitor";
import { parseSample } from "@v-triune/schema";
import { resolveTrainingConfig, runTraining } from "v-triune";

// Posts records as JSON. A post that fails is made again: the run keeps what was not taken.
function postingSink(url: string): MetricSink {
  return {
    name: "post",
    async write(records) {
      if (records.length === 0) return;
      const response = await fetch(url, { method: "POST", body: JSON.stringify(records) });
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    },
    async close() {},
  };
}

// The other side, here in the same process.
const steps = new Set<number>();
const server = createServer(async (request, response) => {
  for (const { split, step } of JSON.parse(await text(request)) as MetricRecord[])
    if (split === "train") steps.add(step);
  response.end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

// Each case rejects with what the sink did wrong.
const cases = metricSinkConformance(() => postingSink(url));
for (const { run } of cases) await run();
console.log(`${cases.length} cases hold`);
steps.clear();

const folder = mkdtempSync(join(tmpdir(), "post-"));
const samples = [2, 3].map((number) =>
  parseSample({
    data_source: "sums",
    prompt: [{ role: "user", content: `What is ${number} + ${number}?` }],
    reward_model: { ground_truth: `\\boxed{${2 * number}}`, verifier: "mathverify" },
  }),
);
await writeSamples(join(folder, "train.parquet"), samples);
const config = resolveTrainingConfig({
  model: "node_modules/v-triune/assets/demo-model", // or any Qwen2.5-VL folder
  data: { train: join(folder, "train.parquet") },
  run: { folder: join(folder, "run"), steps: 2 },
  rollout: { promptsPerStep: 2, n: 4, maxNewTokens: 8 },
  backend: "wasm",
});
await runTraining(config, { sinks: [postingSink(url)] });
server.close();
console.log(`records of the steps ${[...steps].join(" and ")}`);
// 6 cases hold
// records of the steps 1 and 2
