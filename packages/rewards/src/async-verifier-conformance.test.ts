import { afterEach, describe, expect, it } from "vitest";
import type { AsyncVerdict, AsyncVerifier } from "./async-verifier";
import { checkAsyncVerifier, type AsyncVerifierConformanceOptions } from "./async-verifier-conformance";
import { createJudge } from "./judge/judge";
import { readJudgeSettings } from "./judge/judge-settings";
import { type FakeEndpoint, startFakeEndpoint } from "./judge/testing/fake-endpoint";

const endpoints: FakeEndpoint[] = [];
afterEach(async () => void (await Promise.all(endpoints.splice(0).map((endpoint) => endpoint.close()))));

const sample = { groundTruth: "a red ball", prompt: "What is it?" };
const scored = (accuracy: number): AsyncVerdict => ({ status: "scored", accuracy, format: 1, metrics: {} });
const verifierOf = (verify: AsyncVerifier["verify"]): AsyncVerifier => ({ name: "mine", verify });
const rulesOf = async (verify: AsyncVerifier["verify"], options: Partial<AsyncVerifierConformanceOptions> = {}) => [
  ...new Set(
    (await checkAsyncVerifier(verifierOf(verify), { samples: [sample], longestMs: 50, abortMs: 100, ...options })).map(
      ({ rule }) => rule,
    ),
  ),
];

describe("checkAsyncVerifier", () => {
  it("passes the judge, with its endpoint and without", async () => {
    const endpoint = await startFakeEndpoint(({ user }) => `{"verdicts": [${user.includes("red ball, really")}]}`);
    endpoints.push(endpoint);
    const judge = (url: string) => createJudge(readJudgeSettings({ url, model: "m", retries: 0 }, "/judge.json"));
    expect(
      await checkAsyncVerifier(judge(endpoint.url), {
        samples: [sample],
        right: [["a red ball, really", sample]],
        wrong: [["a cube", sample]],
        unreachable: judge("http://127.0.0.1:9"),
      }),
    ).toEqual([]);
  });

  it("passes a verifier that always says the same", async () => {
    expect(await rulesOf(async () => scored(1))).toEqual([]);
  });

  it.each([
    ["throws", async () => Promise.reject(new Error("no"))],
    ["verdict-shape", async () => ({ status: "error", reason: "" }) as const],
    ["range", async () => scored(2)],
    ["metrics", async () => ({ ...scored(1), metrics: { seconds: Number.NaN } })],
  ] as const)("finds a breach of %s", async (rule, verify) => expect(await rulesOf(verify)).toEqual([rule]));

  it("finds a sample that is changed", async () => {
    expect(
      await rulesOf(async (_, given) => {
        (given as { groundTruth: string }).groundTruth += "!";
        return scored(1);
      }),
    ).toEqual(["mutates"]);
  });

  it("finds a call that goes on after it is no longer wanted", async () => {
    const slow = (_: string, __: unknown, signal: AbortSignal) =>
      new Promise<AsyncVerdict>((resolve) => setTimeout(() => resolve(scored(1)), signal.aborted ? 300 : 1));
    expect(await rulesOf(slow)).toEqual(["abort"]);
  });

  it("finds verdicts that are mixed up among questions at once", async () => {
    let last = "";
    const mixing = async (response: string) => {
      last = response;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return scored(last === "4" ? 1 : 0);
    };
    expect(await rulesOf(mixing)).toEqual(["concurrent"]);
    expect(await rulesOf(mixing, { repeatable: false })).toEqual([]);
  });

  it("finds a fault that is scored, and a golden case that is judged otherwise", async () => {
    expect(
      await rulesOf(async () => scored(1), {
        wrong: [["a cube", sample]],
        unreachable: verifierOf(async () => scored(0)),
      }),
    ).toEqual(["golden", "fault"]);
  });

  it("asks for a sample", async () => {
    await expect(
      checkAsyncVerifier(
        verifierOf(async () => scored(1)),
        { samples: [] },
      ),
    ).rejects.toThrow(RangeError);
  });
});
