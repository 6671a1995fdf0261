/**
 * What a training step on a server costs beyond the server's own work: wall time of updates and of answers less the time in
 * which the server computes, over HTTP on this machine. Client and server share the process, so writing and reading
 * JSON counts on both sides. npm run bench -- remote-step
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { completionDatum, connectTinker, modelInput } from "@v-triune/tinker";
import { writeTinyModel } from "../testing/model-folder";
import { startModelServer } from "./model-server";

const [ROWS, PROMPT, COMPLETION, STEPS] = [64, 60, 40, 10];

const folder = mkdtempSync(join(tmpdir(), "v-triune-remote-step-"));
await selectBackend({ prefer: "wasm" });
const model = await writeTinyModel(folder);
const server = await startModelServer({ model, name: "tiny", port: 0, backend: "wasm", weightsFolder: folder });
const session = await (await connectTinker({ url: server.url })).createSession();
const trained = await session.createModel({ baseModel: "tiny", lora: { rank: 8 } });
const ids = Array.from({ length: PROMPT }, (_, at) => 10 + (at % 40));
const completion = Array.from({ length: COMPLETION }, (_, at) => 10 + ((at * 7) % 40));
const weights = completion.map(() => 1);
const rows = Array.from({ length: ROWS }, () => completionDatum({ ids }, completion, { weights }));

const spent: number[] = [];
const shares: number[] = [];
for (let step = 0; step < STEPS; step++) {
  const [began, worked] = [performance.now(), server.workedMs];
  const sampler = await trained.sampler();
  const settings = { max_tokens: 8, seed: step };
  await Promise.all(
    Array.from({ length: 8 }, (_, promptNumber) => sampler.sample(modelInput(ids), { n: 8, settings, promptNumber })),
  );
  const { loss_fn_outputs } = await trained.forward(rows);
  const data = loss_fn_outputs.map((output) => {
    const logprobs = output["logprobs"]!.data.slice(-COMPLETION);
    return completionDatum({ ids }, completion, { weights, logprobs, advantages: weights });
  });
  await trained.forwardBackward(data, "importance_sampling");
  await trained.optimStep({ learning_rate: 1e-5 });
  const wall = performance.now() - began;
  spent.push(wall - (server.workedMs - worked));
  shares.push(spent.at(-1)! / wall);
  console.log(`step ${step}: ${wall.toFixed(0)} ms, ${spent.at(-1)!.toFixed(0)} ms of them beyond the server's work`);
}
// The first ones compile.
const median = (values: readonly number[]): number => values.slice(2).sort((a, b) => a - b)[(STEPS - 2) / 2]!;
console.log(
  `${ROWS} rows of ${PROMPT + COMPLETION} tokens, 8 prompts of 8 answers: ${median(spent).toFixed(0)} ms per step beyond the ` +
    `server's work, ${(100 * median(shares)).toFixed(0)} % of the step (medians), load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`,
);
session.close();
await server.close();
rmSync(folder, { recursive: true });
