/**
 * What a training step on a server costs beyond the server's own work: wall time of updates and of answers less the time
 * for which the server computes, over HTTP on this machine. The server is a process of its own, as it is for its users.
 * npm run bench -- remote-step
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { completionDatum, connectTinker, modelInput } from "@v-triune/tinker";
import { writeTinyModel } from "../testing/model-folder";
import { startModelServer } from "./model-server";

const [ROWS, PROMPT, COMPLETION, STEPS] = [64, 60, 40, 12];

if (process.argv[2] === "server") await serve(process.argv[3]!);
else await measure();

async function serve(folder: string): Promise<void> {
  const model = join(folder, "served");
  const server = await startModelServer({ model, name: "tiny", port: 0, backend: "wasm", weightsFolder: folder });
  process.on("message", () => process.send!(server.workedMs));
  process.on("disconnect", () => void server.close());
  process.send!(server.url);
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-remote-step-"));
  await selectBackend({ prefer: "wasm" });
  await writeTinyModel(folder);
  const child = fork(import.meta.filename, ["server", folder], { execArgv: process.execArgv });
  const told = <T>(): Promise<T> => new Promise((resolve) => child.once("message", (message) => resolve(message as T)));
  const url = await told<string>();
  const workedMs = (): Promise<number> => {
    child.send("worked");
    return told<number>();
  };
  const session = await (await connectTinker({ url })).createSession();
  const trained = await session.createModel({ baseModel: "tiny", lora: { rank: 8 } });
  const ids = Array.from({ length: PROMPT }, (_, at) => 10 + (at % 40));
  const completion = Array.from({ length: COMPLETION }, (_, at) => 10 + ((at * 7) % 40));
  const weights = completion.map(() => 1);
  const rows = Array.from({ length: ROWS }, () => completionDatum({ ids }, completion, { weights }));
  const step = async (number: number): Promise<void> => {
    const sampler = await trained.sampler();
    const settings = { max_tokens: 8, seed: number };
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
  };
  const spent: number[] = [];
  const shares: number[] = [];
  const cpu: number[] = [];
  for (let number = 0; number < STEPS; number++) {
    const worked = await workedMs();
    const [began, used] = [performance.now(), process.cpuUsage()];
    await step(number);
    const wall = performance.now() - began;
    const { user, system } = process.cpuUsage(used);
    const beyond = wall - ((await workedMs()) - worked);
    spent.push(beyond);
    shares.push(beyond / wall);
    cpu.push((user + system) / 1000);
    console.log(`step ${number}: ${wall.toFixed(0)} ms, ${beyond.toFixed(0)} ms of them beyond the server's work`);
  }
  // The first ones compile.
  const median = (values: readonly number[]): number => values.slice(2).sort((a, b) => a - b)[(STEPS - 2) / 2]!;
  console.log(
    `${ROWS} rows of ${PROMPT + COMPLETION} tokens, 8 prompts of 8 answers: ${median(spent).toFixed(0)} ms per step ` +
      `beyond the server's work, ${(100 * median(shares)).toFixed(0)} % of the step; the client's processor time ` +
      `${median(cpu).toFixed(0)} ms (medians), load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`,
  );
  session.close();
  child.disconnect();
  await new Promise((resolve) => child.once("exit", resolve));
  rmSync(folder, { recursive: true });
}
