/** Runs whose teacher lies on a server, against the same run with the teacher's folder. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { writeTinyRun } from "@v-triune/demo-tasks";
import { createProcessor } from "@v-triune/policy";
import { TinkerError } from "@v-triune/tinker";
import { runTraining } from "@v-triune/training";
import { type TrainingConfigInput, resolveTrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyModel } from "../testing/model-folder";
import { startModelServer } from "./model-server";

const folder = mkdtempSync(join(tmpdir(), "v-triune-server-teacher-"));
let teacher: string;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  await selectBackend({ prefer: "wasm" });
  teacher = await writeTinyModel(folder);
});
afterAll(async () => {
  for (const one of open) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

type Distillation = NonNullable<NonNullable<TrainingConfigInput["algorithm"]>["distillation"]>;

/** Metrics of all sources together, step by step. */
async function taughtBy(name: string, distillation: Distillation): Promise<Record<string, number>[]> {
  const tiny = await writeTinyRun(folder, name, 2);
  const config = resolveTrainingConfig({
    ...tiny,
    data: { ...tiny.data, eval: [] },
    optimizer: { ...tiny.optimizer, lr: 1e-3 },
    algorithm: { ...tiny.algorithm, entropyCoefficient: 0, distillation },
  });
  const result = await runTraining(config);
  return readFileSync(join(result.folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { scope: string; metrics: Record<string, number> })
    .flatMap(({ scope, metrics }) => (scope === "all" ? [metrics] : []));
}

it("learns from a Tinker server what it learns from the folder, with pictures", async () => {
  const server = await startModelServer({
    model: teacher,
    name: "teacher",
    port: 0,
    backend: "wasm",
    weightsFolder: join(folder, "weights"),
  });
  open.push(server);
  const local = await taughtBy("local", { teacher });
  const remote = await taughtBy("remote", { teacher: { kind: "tinker", url: server.url, model: "teacher" } });
  expect(remote).toHaveLength(2);
  for (const [index, metrics] of remote.entries())
    for (const name of ["distillation/taught", "distillation/kl", "distillation/abs_loss", "actor/grad_norm"])
      expect(metrics[name], `${name}, step ${index + 1}`).toBeCloseTo(local[index]![name]!, 4);
  expect(remote[0]!["distillation/taught"]).toBe(1);
  expect(remote[0]!["distillation/abs_loss"]).toBeGreaterThan(0.01);
});

it("refuses a server that does not answer before the first step", async () => {
  const absent = { kind: "tinker", url: "http://127.0.0.1:9", model: "teacher" } as const;
  await expect(taughtBy("absent", { teacher: absent })).rejects.toBeInstanceOf(TinkerError);
});

it("learns from the likeliest tokens of an SGLang server, and leaves out what it reads as other tokens", async () => {
  const { tokenizer } = createProcessor(teacher);
  const uniform = Math.log(0.5);
  /** Finds each written token, and the first two of its vocabulary, half likely. */
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const asked = JSON.parse(text) as { text: string; logprob_start_len: number; top_logprobs_num: number };
      const end = asked.text.lastIndexOf("assistant\n");
      // The tried text has no assistant.
      const written = [...tokenizer.encode(end < 0 ? asked.text : asked.text.slice(end + "assistant\n".length))];
      const places = end < 0 ? written.slice(asked.logprob_start_len) : [0, ...written];
      const likeliest = Array.from({ length: asked.top_logprobs_num }, (_, id) => [uniform, id, null]);
      const meta_info = {
        input_token_logprobs: places.map((id, at) => [at === 0 ? null : uniform, id, null]),
        input_top_logprobs: places.map((_, at) => (at === 0 ? null : likeliest)),
      };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ text: "", meta_info }));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  open.push({ close: () => server.close() });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const metrics = await taughtBy("likeliest", {
    teacher: { kind: "sglang", url },
    divergence: { over: "teacher", topK: 2, alpha: 0 },
  });
  const taught = metrics[0]!["distillation/taught"]!;
  expect(taught).toBeGreaterThan(0);
  // The random policy writes some tokens that a text has otherwise.
  expect(taught).toBeLessThan(1);
  // Half of a vocabulary on two tokens that a random policy seldom writes.
  expect(metrics[0]!["distillation/divergence"]).toBeGreaterThan(1);
});
