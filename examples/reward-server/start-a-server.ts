import { startRewardServer } from "@v-triune/reward-server";

const server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent" });
const reply = await fetch(`${server.url}/v1/score`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    requests: [
      {
        response: "\\boxed{4}",
        verifier: "mathverify",
        ground_truth: "\\boxed{4}",
        format_ratio: 0,
      },
      { response: "\\boxed{4}", verifier: "mathverify", ground_truth: "", format_ratio: 0 },
    ],
  }),
});
const { results } = (await reply.json()) as {
  results: { status: string; reward?: number }[];
};
for (const { status, reward } of results) console.log(status, reward);
await server.drain(); // answers what it has accepted, then closes
// scored 1
// skipped undefined
