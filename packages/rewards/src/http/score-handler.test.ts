import { createServer } from "node:http";
import { mathverify, type Verifier } from "@v-triune/verifiers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectRewards } from "../reward-source";
import { createHttpRewardSource } from "./http-reward-source";
import { createScoreHandler, type ScoreHandlerOptions } from "./score-handler";

const sample = { response: "\\boxed{1/2}", verifier: "mathverify", ground_truth: "0.5" };
const handler = (more: Partial<ScoreHandlerOptions> = {}) => createScoreHandler({ verifiers: [mathverify], ...more });
const post = (body: unknown, headers: Readonly<Record<string, string>> = {}): Request =>
  new Request("http://grader/v1/score", {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const reply = async (response: Promise<Response>) => {
  const { status, headers } = await response;
  return { status, allow: headers.get("allow"), body: (await (await response).json()) as Record<string, unknown> };
};

describe("createScoreHandler", () => {
  it("judges a batch, and tells what it cannot read of one sample beside the verdicts of the others", async () => {
    const requests = [
      sample,
      { ...sample, response: "\\boxed{2}" },
      { ...sample, ground_truth: "" },
      { ...sample, verifier: "absent" },
      { ...sample, response: 5 },
      { ...sample, response: [{ type: "text", text: "\\boxed{0.5}" }], accuracy_ratio: 1, format_ratio: 0 },
    ];
    const { status, body } = await reply(handler()(post({ requests })));
    expect(status).toBe(200);
    expect(body["results"]).toMatchObject([
      { index: 0, status: "scored", accuracy: 1 },
      { index: 1, status: "scored", accuracy: 0 },
      { index: 2, status: "skipped" },
      { index: 3, status: "error", code: "request", reason: "requests[3].verifier: one of mathverify expected" },
      { index: 4, status: "error", code: "request" },
      { index: 5, status: "scored", reward: 1 },
    ]);
  });

  it("answers in lines for a client that asks for them", async () => {
    const response = await handler()(post({ requests: [sample, sample] }, { accept: "application/x-ndjson" }));
    const lines = (await response.text()).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { index: number }).index)).toEqual([0, 1]);
  });

  it.each([
    ["not JSON", "{", 400, "invalid-json"],
    ["no list", { requests: 3 }, 400, "invalid-request"],
    ["nothing", "", 400, "invalid-json"],
    ["an unknown verifier throughout", { requests: [{ ...sample, verifier: "x" }] }, 404, "unknown-verifier"],
    ["a number in place of a sample", { requests: [7] }, 400, "invalid-request"],
    ["too many samples", { requests: [sample, sample, sample] }, 413, "too-large"],
    ["too many bytes", { requests: [{ ...sample, response: "x".repeat(2000) }] }, 413, "too-large"],
  ])("refuses %s", async (_, body, status, code) => {
    const found = await reply(handler({ batch: 2, bodyBytes: 1000 })(post(body)));
    expect(found).toMatchObject({ status, body: { error: { code } } });
  });

  it("counts the bytes of a body whose length nobody says", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(400).fill(32));
      },
    });
    const request = new Request("http://grader/", { method: "POST", body, duplex: "half" } as RequestInit);
    expect((await handler({ bodyBytes: 1000 })(request)).status).toBe(413);
    expect(sent).toBeLessThan(6);
  });

  it("takes no other method, and with a token nobody without it", async () => {
    expect(await reply(handler()(new Request("http://grader/")))).toMatchObject({ status: 405, allow: "POST" });
    const guarded = handler({ token: "secret" });
    for (const authorization of ["", "Bearer secre", "Bearer secret2", "secret"])
      expect((await guarded(post({ requests: [sample] }, { authorization }))).status).toBe(401);
    expect((await guarded(post({ requests: [sample] }, { authorization: "bearer secret" }))).status).toBe(200);
    expect(() => handler({ token: "" })).toThrow(RangeError);
  });

  it("makes a verifier's fault an error of its sample", async () => {
    const broken: Verifier = {
      name: "broken",
      verify() {
        throw new Error("oh");
      },
    };
    const found = await reply(
      handler({ verifiers: [mathverify, broken] })(post({ requests: [{ ...sample, verifier: "broken" }, sample] })),
    );
    expect(found.body["results"]).toMatchObject([{ status: "error", code: "crash" }, { status: "scored" }]);
  });
});

describe("behind a server of any kind", () => {
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const headers = Object.entries(incoming.headers).map(([key, value]): [string, string] => [key, String(value)]);
      const request = new Request("http://grader/v1/score", { method: "POST", headers, body: Buffer.concat(parts) });
      void handler({ token: "secret" })(request).then(async (response) => {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        outgoing.end(await response.text());
      });
    });
  });
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  it("answers the client of this package", async () => {
    const { port } = server.address() as { port: number };
    const source = createHttpRewardSource({ urls: [`http://127.0.0.1:${port}`], token: "secret" });
    const request = { response: "\\boxed{1/2}", verifier: "mathverify", sample: { groundTruth: "0.5" } };
    const ratios = { accuracyRatio: 1, formatRatio: 0 };
    const results = await collectRewards(source, [
      { ...request, ...ratios },
      { ...request, ...ratios, response: "\\boxed{3}" },
    ]);
    expect(results.map((result) => result.status === "scored" && result.reward)).toEqual([1, 0]);
  });
});
