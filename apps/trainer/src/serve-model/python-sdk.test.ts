/**
 * The official Python SDK against the server. Needs a Python that has it (`pip install tinker==0.24.1`), named by
 * V_TRIUNE_TINKER_PYTHON.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const python = [process.env["V_TRIUNE_TINKER_PYTHON"], "python3"].find(
  (one) => one !== undefined && spawnSync(one, ["-c", "import tinker"], { timeout: 60_000 }).status === 0,
);
if (python === undefined)
  console.warn(
    "The Python SDK is not tried: set V_TRIUNE_TINKER_PYTHON to a Python with `pip install tinker==0.24.1`.",
  );

const folder = mkdtempSync(join(tmpdir(), "v-triune-python-sdk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
import json, sys, tinker
from tinker import types

service = tinker.ServiceClient()
assert [m.model_name for m in service.get_server_capabilities().supported_models] == ["tiny"]
training = service.create_lora_training_client(base_model="tiny", rank=4, seed=3)
prompt, answer = [1, 40, 41], [50, 51, 52, 53]
tokens = prompt + answer
weights = [0.0] * (len(prompt) - 1) + [1.0] * len(answer)
datum = types.Datum(
    model_input=types.ModelInput.from_ints(tokens[:-1]),
    loss_fn_inputs={"target_tokens": tokens[1:], "weights": weights},
)
losses = []
for step in range(20):
    passed = training.forward_backward([datum], "cross_entropy")
    stepped = training.optim_step(types.AdamParams(learning_rate=0.05))
    losses.append(passed.result().metrics["loss:sum"])
    assert stepped.result().metrics["grad_norm"] > 0
old = training.forward([datum], "cross_entropy").result().loss_fn_outputs[0]["logprobs"].data
sampler = training.save_weights_and_get_sampling_client()
params = types.SamplingParams(max_tokens=4, temperature=0.0)
greedy = sampler.sample(types.ModelInput.from_ints(prompt), num_samples=2, sampling_params=params).result()
scored = sampler.compute_logprobs(types.ModelInput.from_ints(tokens)).result()
path = training.save_state("state").result().path
again = service.create_training_client_from_state_with_optimizer(path)
new = again.forward([datum], "cross_entropy").result().loss_fn_outputs[0]["logprobs"].data
kept = training.save_weights_for_sampler("kept").result().path
other = service.create_sampling_client(model_path=kept)
kept_greedy = other.sample(types.ModelInput.from_ints(prompt), num_samples=1, sampling_params=params).result()
refused = ""
try:
    training.forward_backward([datum], "dro").result()
except Exception as error:
    refused = str(error)
print(json.dumps({
    "losses": losses, "old": list(old), "new": list(new),
    "greedy": [list(s.tokens) for s in greedy.sequences],
    "kept": [list(s.tokens) for s in kept_greedy.sequences],
    "scored": scored, "refused": refused,
}))
`;

it.skipIf(python === undefined)("the Python SDK creates a model, trains, samples, saves and loads", async () => {
  const { selectBackend } = await import("@v-triune/backend");
  const { writeTinyModel } = await import("../testing/model-folder");
  const { startModelServer } = await import("./model-server");
  await selectBackend({ prefer: "wasm" });
  const server = await startModelServer({
    model: await writeTinyModel(folder),
    name: "tiny",
    port: 0,
    backend: "wasm",
    weightsFolder: join(folder, "weights"),
    token: "tml-secret-key",
  });
  try {
    // oxlint-disable-next-line typescript/no-explicit-any -- the words of the program above
    const found = JSON.parse(await run(server.url)) as Record<string, any>;
    expect(found["losses"]).toHaveLength(20);
    expect(found["losses"].at(-1)).toBeLessThan(found["losses"][0] - 1);
    const [first] = found["greedy"] as number[][];
    expect(first).toHaveLength(4);
    expect(found["greedy"]).toEqual([first, first]);
    expect(found["kept"]).toEqual([first]);
    expect(found["new"]).toEqual(found["old"]);
    // Log-probabilities of the answer are those of the trainer.
    expect(found["scored"][0]).toBeNull();
    found["old"].slice(2).forEach((value: number, t: number) => expect(found["scored"][t + 3]).toBeCloseTo(value, 4));
    expect(found["refused"]).toContain("loss_fn: one of cross_entropy");
  } finally {
    await server.close();
  }
});

function run(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python!, ["-c", PROGRAM], {
      env: { ...process.env, TINKER_BASE_URL: url, TINKER_API_KEY: "tml-secret-key" },
      timeout: 100_000,
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (part) => (out += String(part)));
    child.stderr.on("data", (part) => (err += String(part)));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(out.trim().split("\n").at(-1)!) : reject(new Error(err.slice(-3000))),
    );
  });
}
