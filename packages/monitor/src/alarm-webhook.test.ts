import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { alarmWebhook } from "./alarm-webhook";
import type { Alarm } from "./alarms";

const alarm: Alarm = {
  rule: "KL spike",
  severity: "stop",
  name: "all",
  metric: "actor/ppo_kl",
  step: 7,
  since: 7,
  message: "KL spike: it is high.",
  advice: "Lower it.",
};

let server: Server;
let url: string;
let bodies: Record<string, unknown>[];
let statuses: number[];
beforeEach(async () => {
  bodies = [];
  statuses = [];
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      bodies.push(JSON.parse(text) as Record<string, unknown>);
      response.writeHead(statuses.shift() ?? 200).end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it("posts the alarm with its sentence, and again when the server fails", async () => {
  statuses = [500, 503];
  const webhook = alarmWebhook({ url, run: "mine", onProblem: (message) => expect.fail(message), retryDelays: [1, 1] });
  webhook.send(alarm);
  await expect.poll(() => bodies.length).toBe(3);
  await webhook.close();
  expect(bodies[2]).toEqual({
    ...alarm,
    run: "mine",
    text: "mine: KL spike: it is high. Lower it.",
    content: "mine: KL spike: it is high. Lower it.",
  });
});

it("gives up after three tries, says so once without the address's secret, and goes on", async () => {
  statuses = [500, 500, 500, 404, 404, 404];
  const said: string[] = [];
  const webhook = alarmWebhook({ url, run: "mine", onProblem: (message) => said.push(message), retryDelays: [1, 1] });
  for (const step of [1, 2, 3]) webhook.send({ ...alarm, step });
  await expect.poll(() => bodies.length).toBe(7);
  await webhook.close();
  expect(said).toEqual([
    expect.stringMatching(/^alarms: 127\.0\.0\.1:\d+ took no alarm \(HTTP 500\)\. Training goes on\.$/),
  ]);
  expect(bodies.map(({ step }) => step)).toEqual([1, 1, 1, 2, 2, 2, 3]);
});

it("tries once more, not for ever, when the run ends while nobody listens", async () => {
  const said: string[] = [];
  const webhook = alarmWebhook({
    url: "http://127.0.0.1:9/",
    run: "mine",
    onProblem: (message) => said.push(message),
    retryDelays: [5, 60_000],
  });
  webhook.send(alarm);
  await webhook.close();
  expect(said).toHaveLength(1);
});
