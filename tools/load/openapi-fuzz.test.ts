import { startRewardServer, type RewardServer } from "@v-triune/reward-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleOf, fuzzCases, type OpenApi } from "./openapi-fuzz";
import { sendRaw } from "./send-raw";

const LIMIT = 100_000;
let server: RewardServer;
let document: OpenApi;
beforeAll(async () => {
  server = await startRewardServer({ port: 0, workers: 1, bodyBytes: LIMIT, logLevel: "silent" });
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as OpenApi;
});
afterAll(async () => void (await server.drain()));

const post = (path: string, body: unknown) =>
  fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("requests made wrong from /openapi.json", () => {
  it("start from bodies that are right", async () => {
    const routes = Object.entries(document.paths).filter(([, { post: found }]) => found !== undefined);
    expect(routes.map(([path]) => path)).toEqual(["/judge", "/judge/batch", "/v1/score", "/openrlhf", "/slime"]);
    for (const [path, { post: route }] of routes)
      expect(
        (await post(path, exampleOf(route?.requestBody?.content["application/json"]?.schema ?? {}))).status,
        path,
      ).toBe(200);
  });

  it("are refused with 4xx, each of them, and the server judges on", async () => {
    const statuses = new Map<number, number>();
    const cases = [...fuzzCases(document, 600, LIMIT)];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let next = cases.pop(); next !== undefined; next = cases.pop()) {
          const status = await sendRaw(server.port, next.bytes, next.halfClose);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          expect(
            status >= 400 && status < 500,
            `${status} for ${next.wrong}: ${next.bytes.toString("latin1").slice(0, 400)}`,
          ).toBe(true);
        }
      }),
    );
    expect([...statuses.keys()].sort()).toEqual([400, 404, 405, 413, 415, 431]);
    expect(
      await (await post("/slime", { prompt: "", response: "\\boxed{4}", label: "\\boxed{4}" })).json(),
    ).toBeCloseTo(1 / 1.1, 12);
  });

  it("are the same for the same seed", () => {
    const texts = (seed: number) =>
      [...fuzzCases(document, 100, LIMIT, seed)].map(({ bytes }) => bytes.toString("latin1"));
    expect(texts(3)).toEqual(texts(3));
    expect(texts(3)).not.toEqual(texts(4));
  });
});
