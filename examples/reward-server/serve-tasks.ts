import { startRewardServer, type TaskSet } from "@v-triune/reward-server";

const tasks: TaskSet = {
  description: "Sums.",
  splits: [{ name: "train", count: 100 }],
  sourceOf: () => "sums",
  read: async (split, index) => ({
    id: `${index}`,
    dataSource: "sums",
    messages: [{ role: "user", content: `What is ${index} + ${index}?` }],
    reward: { verifier: "answer", sample: { groundTruth: `${2 * index}` }, formatRatio: 0 },
  }),
};
const server = await startRewardServer({ port: 0, workers: 1 }, undefined, { tasks });
const post = async (path: string, body: object) => {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(server.url + path, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return (await reply.json()) as { observation: { messages: unknown }; reward: number };
};
console.log((await post("/reset", { index: 21 })).observation.messages);
console.log((await post("/step", { index: 21, action: { response: "It is 42." } })).reward);
await server.drain();
// [ { role: 'user', content: 'What is 21 + 21?' } ]
// 1
