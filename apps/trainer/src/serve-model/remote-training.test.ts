/** Runs whose model lies on a server, against the same runs in this process. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selectBackend } from "@v-triune/backend";
import { writeTinyRun } from "@v-triune/demo-tasks";
import { loadVlm } from "@v-triune/policy";
import {
  type TrainerReport,
  type TrainingEvent,
  type TrainingResult,
  formatTrainerReport,
  runTraining,
} from "@v-triune/training";
import { type TrainingConfigInput, resolveTrainingConfig } from "@v-triune/training/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../testing/model-folder";
import { runCommand } from "../testing/run-command";
import { type ModelServer, startModelServer } from "./model-server";
import type { ModelServerSettings } from "./model-settings";

const folder = mkdtempSync(join(tmpdir(), "v-triune-remote-training-"));
const weights = join(folder, "weights");
let model: string;
let server: ModelServer;
const open: ModelServer[] = [];

beforeAll(async () => {
  await selectBackend({ prefer: "wasm" });
  model = await writeTinyModel(folder);
  server = await start();
});
afterAll(async () => {
  for (const one of open) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(settings: Partial<ModelServerSettings> = {}): Promise<ModelServer> {
  const started = await startModelServer({
    model,
    name: "tiny",
    port: 0,
    backend: "wasm",
    weightsFolder: weights,
    ...settings,
  });
  open.push(started);
  return started;
}

type Changes = Partial<Omit<TrainingConfigInput, "model">>;

async function config(
  name: string,
  { algorithm, optimizer, ...others }: Changes,
  training?: TrainingConfigInput["training"],
) {
  const tiny = await writeTinyRun(folder, name, 2);
  const targetModules = ".*language_model.*\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)";
  return resolveTrainingConfig({
    ...tiny,
    model: { path: model, adapter: training ? null : { rank: 4, alpha: 8, targetModules } },
    optimizer: { ...tiny.optimizer, weightDecay: 0.01, lr: 0.01, groups: { language: { lr: 0.01 } }, ...optimizer },
    algorithm: { ...tiny.algorithm, entropyCoefficient: 0, ...algorithm },
    ...others,
    ...(training ? { training } : {}),
  });
}

const engine = (of: ModelServer = server, objective: "own" | "server" = "own") => ({
  engine: { url: of.url, model: "tiny", adapter: { rank: 4 }, objective },
});

/** Numbers of a run that do not depend on time or on where it was computed. */
function numbers(result: TrainingResult): unknown[] {
  return readFileSync(join(result.folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { step: number; source?: string; metrics: Record<string, number> })
    .map(({ step, source, metrics }) => ({
      step,
      source,
      ...Object.fromEntries(
        Object.entries(metrics)
          .filter(([key]) => !/^(timing_s|perf|trainer)\/|grad_norm\/|actor\/entropy|actor\/lr\//.test(key))
          .map(([key, value]) => [key, Number(value.toPrecision(4))]),
      ),
    }));
}

describe("a run whose model lies on a server", () => {
  /** Updates against π_old, and a KL to the first weights, which lie on the server as well. */
  const changes: Changes = {
    update: { miniBatch: 2 },
    checkpoint: { every: 1 },
    algorithm: { dualClip: null, kl: { coefficient: 0.01, in: "reward" }, aggregation: "seq-mean-token-mean" },
  };
  let whole: TrainingResult;

  it("has the numbers of the run in this process, pictures and KL to the first weights included", async () => {
    const local = await runTraining(await config("local", changes));
    const remote = await runTraining(await config("own", changes, engine()));
    whole = remote;
    expect(numbers(remote)).toEqual(numbers(local));
    const saved = JSON.parse(readFileSync(join(remote.checkpoint!, "remote-weights.json"), "utf8")) as { path: string };
    const [, id, step] = /^tinker:\/\/(.*)\/weights\/(.*)$/.exec(saved.path)!;
    const [here, there] = [
      await loadVlm(model, { adapter: { folder: local.checkpoint! } }),
      await loadVlm(model, { adapter: { folder: join(weights, id!.replaceAll(":", "_"), "weights", step!) } }),
    ];
    let largest = 0;
    here.parameters.forEach(({ variable }, index) => {
      const other = there.parameters[index]!.variable.dataSync();
      variable.dataSync().forEach((value, i) => (largest = Math.max(largest, Math.abs(value - other[i]!))));
    });
    expect(largest).toBeLessThan(1e-4);
    here.dispose();
    there.dispose();
    const report = JSON.parse(readFileSync(join(remote.folder, "trainer-probe.json"), "utf8")) as TrainerReport;
    expect(report.reduction).toBe("sum");
    expect(Object.entries(report.abilities).filter(([, { found }]) => found !== true)).toEqual([]);
    expect(
      formatTrainerReport(report)
        .split("\n")
        .every((line) => line.length <= 80),
    ).toBe(true);
  });

  it("has the same numbers by the server's own objective, and goes on after the server was lost twice", async () => {
    let first = await start();
    let found = 0;
    const events: TrainingEvent[] = [];
    const resumed = await runTraining(await config("lost", changes, engine(first, "server")), {
      listen(event) {
        events.push(event);
        if (event.type === "saved" && event.step === 1) void first.close();
        if (event.type !== "engine") return;
        // Once more, while the saved weights are about to be loaded.
        if (event.state === "found" && ++found === 2) void first.close();
        if (event.state === "waiting") void start({ port: first.port }).then((again) => (first = again));
      },
    });
    expect(events.flatMap((event) => (event.type === "engine" ? [event.state] : []))).toEqual([
      "found",
      "waiting",
      "back",
      "lost",
      "found",
      "waiting",
      "back",
      "lost",
      "found",
    ]);
    expect(events.flatMap((event) => (event.type === "started" ? [event.fromStep] : []))).toEqual([0, 1]);
    expect(resumed.step).toBe(2);
    expect(numbers(resumed)).toEqual(numbers(whole));
  });
});

it("a server that tells no norm of the gradient shows by its steps how it makes a loss of tokens", async () => {
  const silent = createServer(async (request, response) => {
    const body = await readText(request);
    const reply = await fetch(`${server.url}${request.url}`, {
      method: request.method!,
      headers: { "content-type": "application/json", prefer: "wait=20" },
      ...(body === "" ? {} : { body }),
    });
    const text = (await reply.text()).replace(/"grad_norm":[^,}]*,/, "");
    response.writeHead(reply.status, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { out } = await runCommand(
      "doctor",
      "--trainer",
      url,
      "--model",
      "tiny",
      "--rank",
      "4",
      "--tokenizer",
      model,
    );
    expect(out).toMatch(/tells the gradient's norm +no/);
    expect(out).toContain("a sum over tokens");
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});

it("the doctor prints what a training server does", async () => {
  const { code, out } = await runCommand(
    "doctor",
    "--trainer",
    server.url,
    "--model",
    "tiny",
    "--rank",
    "2",
    "--tokenizer",
    model,
  );
  expect(out).toContain("a sum over tokens");
  expect(out).toMatch(/sees pictures +yes/);
  expect(code).toBe(0);
  expect((await runCommand("doctor", "--trainer", server.url)).err).toContain("add --model NAME");
});
