import { expect, it } from "vitest";
import { resolveTrainingConfig } from "./load-training-config";
import type { TrainingConfigInput } from "./training-config-schema";

const server = { kind: "vllm", url: "http://gpu:8000" } as const;
const ofTeacher = { over: "teacher" } as const;

const resolved = (distillation: object, input: Partial<TrainingConfigInput> = {}) =>
  resolveTrainingConfig(
    {
      model: "m",
      data: { train: "d" },
      algorithm: { distillation: { teacher: server, ...distillation } },
      ...input,
    } as TrainingConfigInput,
    "/x",
  );

it("names the server, its model and its key", () => {
  const { distillation } = resolved({ teacher: { ...server, apiKey: "env:KEY" }, divergence: ofTeacher }).algorithm;
  expect(distillation!.teacher).toEqual({ ...server, model: null, apiKey: "env:KEY", timeout: 600 });
  expect(distillation!.divergence).toEqual({ over: "teacher", topK: 100, alpha: 0.5, tail: true });
});

it.each<[string, object, Partial<TrainingConfigInput>, string]>([
  ["a key in the file", { teacher: { ...server, apiKey: "secret" } }, {}, "env:NAME"],
  ["a server of another kind", { teacher: { ...server, kind: "llama.cpp" } }, {}, "sglang"],
  ["a server without its kind", { teacher: { url: "http://gpu:8000" } }, {}, "kind"],
  ["the policy's likeliest tokens", { divergence: {} }, {}, "its own likeliest"],
  ["a crop", { picture: "look-at" }, {}, "sees the pictures of the samples"],
  ["another temperature", {}, { rollout: { temperature: 0.7 } }, "temperature 1"],
  ["answers of several turns", {}, { rollout: { turns: { tools: ["crop"] } } }, "one turn"],
  ["a Tinker server without a model", { teacher: { ...server, kind: "tinker" } }, {}, "many models"],
  [
    "likeliest tokens of a Tinker server",
    { teacher: { ...server, kind: "tinker", model: "m" }, divergence: ofTeacher },
    {},
    "written token alone",
  ],
])("refuses %s", (_, distillation, input, said) => {
  let message = "";
  try {
    resolved(distillation, input);
  } catch (error) {
    message = (error as Error).message.replace(/\s+/g, " ");
  }
  expect(message).toContain(said);
});
