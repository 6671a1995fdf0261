import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startRewardServer, type RewardServer } from "./server";

const GOLDENS = resolve(import.meta.dirname, "../../../tools/goldens/judge");
const RECORDS = resolve(import.meta.dirname, "../../../../shared/realdata/orsta_schema/records.json");
type Recorded = { readonly request: object; readonly reply: { readonly rewards: Record<string, number> } }[];

let server: RewardServer | undefined;
afterEach(async () => void (await server?.drain()));
const start = async (epsilon: "average" | "dynamic") =>
  (server = await startRewardServer({ port: 0, workers: 2, compat: "original", epsilon, logLevel: "silent" })).url;
/** The parts of replies that tests read. */
interface ReplyBody {
  readonly [index: number]: { readonly rewards: Record<string, number> };
  readonly rewards: Record<string, number>;
}

const post = async (url: string, body: unknown) => {
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: reply.status, body: (await reply.json()) as ReplyBody };
};

function compare(found: Record<string, number>, expected: Record<string, number>, where: string): number {
  expect(Object.keys(found).sort(), where).toEqual(Object.keys(expected).sort());
  for (const [key, value] of Object.entries(expected))
    expect(Math.abs((found[key] as number) - value), `${where} ${key}`).toBeLessThanOrEqual(1e-9);
  return Object.keys(expected).length;
}

describe("--compat original", () => {
  it.each(["average", "dynamic"] as const)(
    "equals the original server's 120 replies over HTTP, threshold %s",
    async (epsilon) => {
      const recorded = JSON.parse(readFileSync(resolve(GOLDENS, `${epsilon}.json`), "utf8")) as Recorded;
      expect(recorded).toHaveLength(120);
      const url = await start(epsilon);
      let numbers = 0;
      for (const [index, { request, reply }] of recorded.entries()) {
        const { status, body } = await post(`${url}/judge`, request);
        expect(status).toBe(200);
        numbers += compare(body.rewards, reply.rewards, `${epsilon} ${index}`);
      }
      const batch = await post(
        `${url}/judge/batch`,
        recorded.map(({ request }) => request),
      );
      for (const [index, { reply }] of recorded.entries())
        compare(batch.body[index]?.rewards ?? {}, reply.rewards, `batch ${index}`);
      expect(numbers).toBeGreaterThan(2000);
    },
  );

  it("answers unknown verifiers and wrong parameters with 200 and zeros, a broken body with 422", async () => {
    const url = await start("average");
    const body = {
      response: "x",
      prompt: "",
      answer: "",
      solution: "",
      data_source: "",
      reward_verifier: "nobody",
      reward_verifier_parm: '{"is_training":true,"step":1,"total_steps":2}',
    };
    const zeros = {
      status: 200,
      body: { rewards: { format_reward: 0, accuracy_reward: 0, reflection_reward: 0, final_reward: 0 } },
    };
    expect(await post(`${url}/judge`, body)).toEqual(zeros);
    expect(await post(`${url}/judge`, { ...body, reward_verifier: "detection", reward_verifier_parm: "{" })).toEqual(
      zeros,
    );
    expect(await post(`${url}/judge`, { response: "x" })).toMatchObject({
      status: 422,
      body: { error: { detail: [{ loc: ["body", "prompt"] }] } },
    });
  });
});

if (!existsSync(RECORDS))
  console.warn(
    `skipped: payloads of Orsta's trainer over HTTP; ${RECORDS} is missing (it comes with the shared data set, not ` +
      "with the clone)",
  );

describe.skipIf(!existsSync(RECORDS))("payloads of Orsta's own trainer", () => {
  it("are taken as they are", async () => {
    const records = Object.values(
      JSON.parse(readFileSync(RECORDS, "utf8")) as Record<string, { reward_server_payload?: object }>,
    );
    const url = await start("average");
    const payloads = records.flatMap(({ reward_server_payload: payload }) => payload ?? []);
    expect(payloads.length).toBeGreaterThan(0);
    for (const payload of payloads)
      expect(await post(`${url}/judge`, payload)).toMatchObject({
        status: 200,
        body: { rewards: { format_reward: 1 } },
      });
  });
});
