import { completionDatum, connectTinker, modelInput } from "@v-triune/tinker";
import { startModelServer } from "v-triune";

// Your server in its place: SkyRL, Twinkle, hatchery, or v-triune serve-model.
const server = await startModelServer({
  model: "node_modules/v-triune/assets/demo-model",
  name: "demo",
  port: 0,
  backend: "wasm",
});

const client = await connectTinker({
  url: server.url,
  apiKey: process.env["TINKER_API_KEY"],
});
const session = await client.createSession();
const model = await session.createModel({ baseModel: "demo", lora: null }); // lora: { rank: 32 } trains an adapter

const prompt = { ids: [1, 40, 41] };
const answer = [50, 51, 52, 53];
const row = completionDatum(prompt, answer, { weights: answer.map(() => 1) });
for (let step = 0; step < 40; step++) {
  await model.forwardBackward([row], "cross_entropy");
  await model.optimStep({ learning_rate: 0.003 });
}

const sampler = await model.sampler(); // the weights as they are now
const greedy = { max_tokens: 4, temperature: 0 };
const { sequences } = await sampler.sample(modelInput(prompt.ids), { settings: greedy });
console.log(sequences[0]!.tokens);

session.close();
await server.close();
// [ 50, 51, 52, 53 ]
