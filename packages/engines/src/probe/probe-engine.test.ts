import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { selectBackend } from "@v-triune/backend";
import { writeDemoModelFolder } from "@v-triune/demo-tasks";
import { createVlm, randomWeights, readModelConfig } from "@v-triune/policy";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CannedReply, startCannedServer } from "../testing/canned-server";
import { RolloutStandIn } from "../testing/rollout-stand-in";
import { engineLine, formatEngineReport } from "./format-engine-report";
import { NoAnswerError, ServerRefusal } from "../servers/http-json";
import { can, probeEngine } from "./probe-engine";
import { recognizeServer } from "../servers/server-kind";

/** A model with random weights. */
let modelFolder: string;
beforeAll(async () => {
  await selectBackend({ prefer: "wasm" });
  const folder = mkdtempSync(join(tmpdir(), "v-triune-probe-"));
  await writeDemoModelFolder(join(folder, "tokenizer"));
  const config = readModelConfig(join(folder, "tokenizer"));
  const policy = createVlm(config, randomWeights(config, { seed: 1 }), {
    sourceFolder: join(folder, "tokenizer"),
  });
  modelFolder = join(folder, "model");
  await policy.save(modelFolder);
  policy.dispose();
});
afterAll(() => rmSync(dirname(modelFolder), { recursive: true, force: true }));

const open: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

async function canned(answer: Parameters<typeof startCannedServer>[0]): Promise<string> {
  const server = await startCannedServer(answer);
  open.push(server);
  return server.url;
}

const chat = (texts: readonly string[], promptTokens: number) => ({
  model: "m",
  choices: texts.map((content, index) => ({ index, message: { role: "assistant", content }, finish_reason: "length" })),
  usage: { prompt_tokens: promptTokens, completion_tokens: 12 },
});

describe("probeEngine", () => {
  it("finds out what a server does that does what it says", async () => {
    for (const protocol of ["sglang", "vllm"] as const) {
      const server = await RolloutStandIn.start({
        protocol,
        model: modelFolder,
        ...(protocol === "vllm" ? { mode: "lora" as const } : {}),
      });
      open.push(server);
      const report = await probeEngine({ url: server.url, temperature: 0.7 });
      expect(report).toMatchObject({
        kind: protocol,
        model: modelFolder,
        version: protocol === "vllm" ? "0.18.1" : "0.5.9",
      });
      expect(report.abilities.filter(({ status }) => status !== "yes")).toEqual([]);
      expect(report.abilities.find(({ ability }) => ability === "log_probs")?.detail).toContain("at its temperature");
      const text = formatEngineReport(report);
      expect(text.split("\n").filter((line) => line.length > 80 && !line.includes(modelFolder))).toEqual([]);
      expect(engineLine(report)).toMatch(/: token ids and log-probabilities$/);
      if (protocol === "vllm") expect(server.violations).toEqual([]);
    }
  });

  it.each([
    ["vllm", "0.18.1", { "/version": { version: "0.18.1" }, "/v1/models": { data: [{ id: "m", owned_by: "vllm" }] } }],
    ["sglang", "0.5.3", { "/get_model_info": { model_path: "m" }, "/get_server_info": { version: "0.5.3" } }],
    ["sglang", null, { "/model_info": { model_path: "m" } }],
    [
      "llama.cpp",
      "b6000-abc",
      { "/v1/models": { data: [{ id: "m", owned_by: "llamacpp" }] }, "/props": { build_info: "b6000-abc" } },
    ],
    [
      "transformers",
      null,
      { "/openapi.json": { paths: { "/load_model": {}, "/reset": {}, "/v1/chat/completions": {} } } },
    ],
    ["openai", null, { "/v1/models": { data: [{ id: "m" }] }, "/openapi.json": { paths: {} } }],
  ] as const)("recognizes %s %s", async (kind, version, replies) => {
    const url = await canned((path) => (replies as Readonly<Record<string, unknown>>)[path]);
    expect(await recognizeServer(url, {})).toMatchObject({ kind, version });
  });

  it("finds out what a server ignores with a 200", async () => {
    // Greedy whatever is asked, blind, one answer, and no end at the stop string.
    const url = await canned((path) =>
      path === "/v1/chat/completions"
        ? chat(["A long poem about nothing."], 31)
        : path === "/v1/models"
          ? { data: [{ id: "m" }] }
          : undefined,
    );
    const report = await probeEngine({ url });
    expect(report).toMatchObject({ kind: "openai", model: "m", version: null });
    expect(Object.fromEntries(report.abilities.map(({ ability, status }) => [ability, status]))).toEqual({
      pictures: "no",
      max_tokens: "yes",
      greedy: "yes",
      temperature: "no",
      seed: "no",
      n: "no",
      stop: "no",
      token_ids: "no",
      log_probs: "no",
      weights: "no",
    });
    expect(can(report, "temperature")).toBe(false);
    expect(formatEngineReport(report)).toContain(
      "temperature  no       answers greedily whatever temperature is asked for",
    );
  });

  it.each([
    ["pinned to a model", true],
    ["without the model", false],
  ])("tells a transformers serve that is %s by how it answers, not by its words", async (_, isPinned) => {
    const url = await canned((path, body) => {
      if (path === "/openapi.json") return { paths: { "/load_model": {}, "/reset": {}, "/v1/chat/completions": {} } };
      if (path !== "/v1/chat/completions") return undefined;
      if (body?.["model"] !== undefined) return new CannedReply(400, '{"detail":"any words"}');
      if (!isPinned) return new CannedReply(500, '{"detail":"no model"}');
      const event = { choices: [{ index: 0, delta: { content: "red" }, finish_reason: "length" }] };
      return new CannedReply(200, `data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`);
    });
    const { kind, abilities } = await probeEngine({ url, model: "./run/weights-1" });
    expect(kind).toBe("transformers");
    expect(abilities).toMatchObject([{ ability: "pictures", status: "failed" }]);
    expect(abilities[0]?.pinned ?? false).toBe(isPinned);
  });

  it("tells log-probabilities before the temperature from those at it", async () => {
    let draws = 0;
    const url = await canned((path, body) => {
      if (path === "/version") return { version: "0.18.1" };
      if (path === "/v1/models") return { data: [{ id: "m", owned_by: "vllm" }] };
      if (path !== "/v1/chat/completions") return undefined;
      const word = (body?.["temperature"] as number) > 0 ? `draw ${draws++}` : "greedy";
      const base = chat([word], JSON.stringify(body).includes("image_url") ? 40 : 30);
      const content = [{ token: "token_id:7", logprob: -0.5, top_logprobs: [{ token: "token_id:7", logprob: -0.5 }] }];
      return { ...base, choices: base.choices.map((choice) => ({ ...choice, token_ids: [7], logprobs: { content } })) };
    });
    const atRun = await probeEngine({ url, temperature: 0.7 });
    expect(atRun.abilities.find(({ ability }) => ability === "log_probs")).toMatchObject({
      status: "no",
      detail: expect.stringContaining("--logprobs-mode processed_logprobs") as unknown,
    });
    expect(can(await probeEngine({ url, temperature: 1 }), "log_probs")).toBe(true);
  });

  it.each<[string, unknown, string]>([
    ["null", null, "null for token 1 of 1"],
    ["a text", "-inf", '"-inf" for token 1 of 1'],
  ])("finds log-probabilities that are %s unusable", async (_, logprob, fault) => {
    const url = await canned((path) => {
      if (path === "/v1/models") return { data: [{ id: "m", owned_by: "vllm" }] };
      if (path !== "/v1/chat/completions") return undefined;
      const base = chat(["a word"], 31);
      const logprobs = { content: [{ token: "token_id:7", logprob }] };
      return { ...base, choices: base.choices.map((choice) => ({ ...choice, token_ids: [7], logprobs })) };
    });
    const report = await probeEngine({ url });
    expect(report.abilities.find(({ ability }) => ability === "log_probs")).toEqual({
      ability: "log_probs",
      status: "no",
      detail: `they are not log-probabilities (${fault}) and are not used`,
    });
  });

  it("reads content in parts as it reads text", async () => {
    let draws = 0;
    const url = await canned((path, body) => {
      if (path === "/v1/models") return { data: [{ id: "m" }] };
      if (path !== "/v1/chat/completions") return undefined;
      const text = (body?.["temperature"] as number) > 0 ? `draw ${draws++}` : "greedy";
      const base = chat([""], JSON.stringify(body).includes("image_url") ? 40 : 30);
      return {
        ...base,
        choices: base.choices.map((choice) => ({ ...choice, message: { content: [{ type: "text", text }] } })),
      };
    });
    const report = await probeEngine({ url: `${url}/v1/` });
    expect(report.url).toBe(url);
    for (const ability of ["pictures", "greedy", "temperature"] as const) expect(can(report, ability)).toBe(true);
  });

  it("says that answers are empty, and that there are none", async () => {
    const server = (reply: unknown) =>
      canned((path) => {
        if (path === "/v1/models") return { data: [{ id: "m" }] };
        return path === "/v1/chat/completions" ? reply : undefined;
      });
    const base = chat([""], 31);
    const empty = await probeEngine({
      url: await server({ ...base, choices: [{ message: { content: null }, finish_reason: "stop" }] }),
    });
    expect(empty.abilities.find(({ ability }) => ability === "temperature")?.detail).toContain("every answer is empty");
    const { abilities } = await probeEngine({ url: await server({ ...base, choices: [] }) });
    expect(abilities).toEqual([
      { ability: "pictures", status: "failed", detail: "a question about a picture: a reply without answers" },
    ]);
  });

  it("waits for a server that is busy at first, and reads what a gateway has compressed", async () => {
    let asked = 0;
    const url = await canned((path) => {
      asked += 1;
      if (asked % 7 === 1) return new CannedReply(429, '{"error": "slow down"}', { "retry-after": "0" });
      const reply =
        path === "/v1/models" ? { data: [{ id: "m" }] } : path === "/v1/chat/completions" ? chat(["red"], 31) : {};
      return new CannedReply(200, gzipSync(JSON.stringify(reply)), { "content-encoding": "gzip" });
    });
    const report = await probeEngine({ url });
    expect(report.model).toBe("m");
    expect(can(report, "greedy")).toBe(true);
  });

  it("says when nobody is there, and when the key is wrong", async () => {
    await expect(probeEngine({ url: "http://127.0.0.1:1" })).rejects.toThrow(NoAnswerError);
    const server = await RolloutStandIn.start({ protocol: "vllm", model: modelFolder, apiKey: "secret" });
    open.push(server);
    await expect(probeEngine({ url: server.url, apiKey: "guess" })).rejects.toThrow(ServerRefusal);
  });
});
