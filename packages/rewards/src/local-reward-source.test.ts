import {
  UnknownVerifierError,
  createVerifierRegistry,
  detection,
  type Verdict,
  type Verifier,
} from "@v-triune/verifiers";
import { describe, expect, it } from "vitest";
import { createLocalRewardSource } from "./local-reward-source";
import { collectRewards, type RewardRequest, type RewardResult, type RewardSource } from "./reward-source";

const exact: Verifier = {
  name: "exact",
  verify(response, { groundTruth }): Verdict {
    if (groundTruth === "") return { status: "skipped", reason: "gold: empty" };
    if (response === "throw") throw new TypeError("boom");
    if (response === "nan") return { status: "scored", accuracy: Number.NaN, format: 1, metrics: {} };
    if (response === "nothing") return undefined as unknown as Verdict;
    return {
      status: "scored",
      accuracy: response === groundTruth ? 1 : 0,
      format: 1,
      metrics: { length: response.length },
    };
  },
};
const source = createLocalRewardSource(createVerifierRegistry([exact, detection]));
const request = (response: string, groundTruth = "4", more: Partial<RewardRequest> = {}): RewardRequest => ({
  response,
  verifier: "exact",
  sample: { groundTruth },
  ...more,
});

describe("createLocalRewardSource", () => {
  it("weighs each verdict by the sample's own ratios", async () => {
    const results = await collectRewards(source, [
      request("4"),
      request("5"),
      request("4", "4", { accuracyRatio: 1, formatRatio: 0 }),
    ]);
    expect(results).toEqual([
      { index: 0, status: "scored", reward: 1, accuracy: 1, format: 1, metrics: { length: 1 } },
      { index: 1, status: "scored", reward: 0.1 / 1.1, accuracy: 0, format: 1, metrics: { length: 1 } },
      { index: 2, status: "scored", reward: 1, accuracy: 1, format: 1, metrics: { length: 1 } },
    ]);
  });

  it("can leave the sum undivided", async () => {
    const unnormalized = createLocalRewardSource(createVerifierRegistry([exact]), { normalized: false });
    expect((await collectRewards(unnormalized, [request("4")]))[0]).toMatchObject({ reward: 1.1 });
  });

  it("carries what was not scored as what it is", async () => {
    const results = await collectRewards(source, [
      request("4", ""),
      request("throw"),
      request("nan"),
      request("nothing"),
      request("4", "4", { accuracyRatio: 0, formatRatio: 0 }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["skipped", "error", "error", "error", "error"]);
    expect(results.map((result) => (result.status === "scored" ? "" : result.reason))).toEqual([
      "gold: empty",
      "crash: TypeError: boom",
      "crash: the verifier returned accuracy NaN and format 1",
      "crash: the verifier returned nothing instead of a verdict",
      expect.stringContaining("0 in both"),
    ]);
  });

  it("throws for a verifier that nobody registered", async () => {
    await expect(collectRewards(source, [{ ...request("4"), verifier: "exakt" }])).rejects.toThrow(
      UnknownVerifierError,
    );
  });

  it("yields a result before the next request is there", async () => {
    const seen: string[] = [];
    async function* requests() {
      for (const response of ["4", "5"]) {
        seen.push(`asked ${response}`);
        yield request(response);
      }
    }
    for await (const { index } of source.score(requests())) seen.push(`answered ${index}`);
    expect(seen).toEqual(["asked 4", "answered 0", "asked 5", "answered 1"]);
  });

  it("stops when aborted, with the signal's reason", async () => {
    const controller = new AbortController();
    const answered: RewardResult[] = [];
    const run = async () => {
      for await (const result of source.score([request("4"), request("5"), request("6")], {
        signal: controller.signal,
      })) {
        answered.push(result);
        controller.abort(new Error("enough"));
      }
    };
    await expect(run()).rejects.toThrow("enough");
    expect(answered).toHaveLength(1);
  });

  it("gives other work of the process a turn", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await collectRewards(
      createLocalRewardSource(createVerifierRegistry([exact]), { turnMs: 0 }),
      Array.from({ length: 50 }, () => request("4")),
    );
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });
});

describe("collectRewards", () => {
  it("notices a source that loses or repeats a request", async () => {
    const answering = (...indexes: number[]): RewardSource => ({
      async *score() {
        for (const index of indexes) yield { index, status: "error", reason: "x" };
      },
    });
    await expect(collectRewards(answering(1, 0), [request("4"), request("4")])).resolves.toHaveLength(2);
    await expect(collectRewards(answering(0), [request("4"), request("4")])).rejects.toThrow(
      "left request 1 of 2 unanswered",
    );
    await expect(collectRewards(answering(0, 0), [request("4"), request("4")])).rejects.toThrow(
      "answered request 0 twice",
    );
    await expect(collectRewards(answering(5), [request("4")])).rejects.toThrow("answered request 5 of 1");
  });
});
