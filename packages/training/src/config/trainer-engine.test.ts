import { expect, it } from "vitest";
import { resolveTrainingConfig } from "./load-training-config";
import type { TrainingConfigInput } from "./training-config-schema";

const engine = { url: "http://gpu:8000", model: "Qwen/Qwen2.5-VL-7B-Instruct" };

const resolved = (input: Partial<TrainingConfigInput>, of: object = engine) =>
  resolveTrainingConfig(
    { model: "m", data: { train: "d" }, training: { engine: { ...engine, ...of } }, ...input } as TrainingConfigInput,
    "/x",
  );

it("names the server, the model and the adapter; without a server nothing is written", () => {
  expect(resolved({}, { apiKey: "env:TINKER_API_KEY" }).training).toEqual({
    engine: { ...engine, apiKey: "env:TINKER_API_KEY", adapter: { rank: 32 }, objective: "own" },
  });
  expect("training" in resolveTrainingConfig({ model: "m", data: { train: "d" } }, "/x")).toBe(false);
  const whole = { groups: { vision: { freeze: false }, connector: { freeze: false } } };
  expect(resolved({ optimizer: whole }, { adapter: null }).training?.engine.adapter).toBeNull();
});

it.each<[string, Partial<TrainingConfigInput>, object, string]>([
  ["a key in the file", {}, { apiKey: "tml-secret" }, "env:NAME"],
  ["an address without http", {}, { url: "gpu:8000" }, "http://127.0.0.1:8000"],
  ["a learning rate per module", { optimizer: { groups: { language: { lr: 1e-7 } } } }, {}, "one learning rate"],
  [
    "a tower that an adapter does not reach",
    { optimizer: { groups: { vision: { freeze: false } } } },
    {},
    "export verl",
  ],
  ["a frozen part of a whole model", {}, { adapter: null }, "none can be frozen"],
  ["another temperature", { rollout: { temperature: 0.7 } }, {}, "temperature 1 only"],
  ["other servers for answers", { rollout: { engine: "http://vllm:8000" } }, {}, "also answers with it"],
  ["answers of older weights", { rollout: { asyncLevel: 1 } }, {}, "meanwhile"],
  ["answers of several turns", { rollout: { turns: { tools: ["crop"] } } }, {}, "not trained on a server yet"],
  ["an entropy bonus", { algorithm: { entropyCoefficient: 0.01 } }, {}, "gradient of an entropy"],
  ["kernels of this machine", { update: { computeWith: "kernels" } }, {}, "leave update.computeWith out"],
  ["operations of this machine", { update: { computeWith: "backend" } }, {}, "is decided there"],
  ["a local adapter", { model: { path: "m", adapter: { rank: 4 } } }, {}, "training.engine.adapter"],
  ["random weights", { model: { init: "random", config: "c", tokenizer: "t" } }, {}, "its own weights"],
  ["gspo by the server", { algorithm: { loss: "gspo" } }, { objective: "server" }, "ppo without dual clip"],
  ["dual clip by the server", {}, { objective: "server" }, "ppo without dual clip"],
])("refuses %s", (_, input, of, said) => {
  let message = "";
  try {
    resolved(input, of);
  } catch (error) {
    message = (error as Error).message.replace(/\s+/g, " ");
  }
  expect(message).toContain(said);
});
