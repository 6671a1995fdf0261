/**
 * What a training step on a server costs beyond the server's own work: wall time of updates and of answers less the time
 * for which the server computes, over HTTP on this machine. The server is a process of its own, as it is for its users.
 * One run of text and one with a picture in each prompt.
 * npm run bench -- remote-step
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { selectBackend } from "@v-triune/backend";
import { encodePng, readModelConfig } from "@v-triune/policy";
import { createRandom } from "@v-triune/rollouts";
import { type TinkerPrompt, completionDatum, connectTinker, modelInput } from "@v-triune/tinker";
import { writeTinyModel } from "../testing/model-folder";
import { startModelServer } from "./model-server";

const [PROMPTS, ANSWERS, TOKENS, COMPLETION, STEPS] = [8, 8, 60, 40, 24];
/** Steps before these compile. */
const SETTLED = 8;
/** Pixels of a side; noise, so that the file is as large as one of a photograph with four times the pixels. */
const SIDE = 84;

/** Of the server: time for which models were computed, and for which its other thread was busy, in ms. */
interface Spent {
  readonly computedMs: number;
  readonly threadMs: number;
}

if (process.argv[2] === "server") await serve(process.argv[3]!);
else await measure();

async function serve(folder: string): Promise<void> {
  const model = join(folder, "served");
  const server = await startModelServer({ model, name: "tiny", port: 0, backend: "wasm", weightsFolder: folder });
  process.on("message", () =>
    process.send!({ computedMs: server.workedMs, threadMs: performance.eventLoopUtilization().active } satisfies Spent),
  );
  process.on("disconnect", () => void server.close());
  process.send!(server.url);
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "v-triune-remote-step-"));
  await selectBackend({ prefer: "wasm" });
  const { imageTokenId } = readModelConfig(await writeTinyModel(folder));
  const child = fork(import.meta.filename, ["server", folder], { execArgv: process.execArgv });
  const told = <T>(): Promise<T> => new Promise((resolve) => child.once("message", (message) => resolve(message as T)));
  const url = await told<string>();
  const spent = (): Promise<Spent> => {
    child.send("spent");
    return told<Spent>();
  };
  const session = await (await connectTinker({ url })).createSession();
  const trained = await session.createModel({ baseModel: "tiny", lora: { rank: 8 } });
  const completion = Array.from({ length: COMPLETION }, (_, at) => 10 + ((at * 7) % 40));
  const weights = completion.map(() => 1);
  const measured = async (name: string, prompts: readonly TinkerPrompt[]): Promise<void> => {
    const rows = prompts.flatMap((prompt) => Array.from({ length: ANSWERS }, () => prompt));
    const step = async (number: number): Promise<void> => {
      const sampler = await trained.sampler();
      const settings = { max_tokens: 8, seed: number };
      await Promise.all(
        prompts.map((prompt, promptNumber) =>
          sampler.sample(modelInput(prompt.ids, prompt), { n: ANSWERS, settings, promptNumber }),
        ),
      );
      const { loss_fn_outputs } = await trained.forward(
        rows.map((prompt) => completionDatum(prompt, completion, { weights })),
      );
      const data = loss_fn_outputs.map((output, row) => {
        const logprobs = output["logprobs"]!.data.slice(-COMPLETION);
        const advantages = logprobs.map((value) => value * 1e-3);
        return completionDatum(rows[row]!, completion, { weights, logprobs, advantages });
      });
      await trained.forwardBackward(data, "importance_sampling");
      await trained.optimStep({ learning_rate: 1e-5 });
    };
    const found: { readonly wall: number; readonly beyond: number; readonly thread: number; readonly cpu: number }[] =
      [];
    for (let number = 0; number < STEPS; number++) {
      const before = await spent();
      const [began, used] = [performance.now(), process.cpuUsage()];
      await step(number);
      const wall = performance.now() - began;
      const { user, system } = process.cpuUsage(used);
      const after = await spent();
      const beyond = wall - (after.computedMs - before.computedMs);
      found.push({ wall, beyond, thread: after.threadMs - before.threadMs, cpu: (user + system) / 1000 });
    }
    const median = (of: (one: (typeof found)[number]) => number): string =>
      found
        .slice(SETTLED)
        .map(of)
        .sort((a, b) => a - b)
        .at((STEPS - SETTLED) / 2)!
        .toFixed(0);
    console.log(
      `${name}: ${rows.length} rows of ${TOKENS + COMPLETION} tokens, ${PROMPTS} prompts of ${ANSWERS} answers, medians ` +
        `per step: ${median(({ wall }) => wall)} ms, ${median(({ beyond }) => beyond)} ms of them beyond the computation ` +
        `(the server's HTTP thread is busy for ${median(({ thread }) => thread)} ms); processor time of the client ` +
        `${median(({ cpu }) => cpu)} ms; load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`,
    );
  };
  await measured(
    "text",
    Array.from({ length: PROMPTS }, (_, prompt) => ({
      ids: Array.from({ length: TOKENS }, (_unused, at) => 10 + ((at + prompt) % 40)),
    })),
  );
  const random = createRandom(1);
  const pictures = await Promise.all(
    Array.from({ length: PROMPTS }, () =>
      encodePng({
        width: SIDE,
        height: SIDE,
        data: Uint8Array.from({ length: SIDE ** 2 * 3 }, () => random.int(0, 255)),
      }),
    ),
  );
  const tokens = (SIDE / 28) ** 2;
  await measured(
    `a picture of ${(pictures[0]!.length / 1000).toFixed(0)} kB in each prompt`,
    pictures.map((bytes, prompt) => ({
      ids: Array.from({ length: TOKENS }, (_, at) =>
        at >= 5 && at < 5 + tokens ? imageTokenId : 10 + ((at + prompt) % 40),
      ),
      pictures: [{ bytes, format: "png", tokens }],
      placeholder: imageTokenId,
    })),
  );
  session.close();
  child.disconnect();
  await new Promise((resolve) => child.once("exit", resolve));
  rmSync(folder, { recursive: true });
}
