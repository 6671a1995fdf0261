import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { useTestBackend } from "./test-backend";
import { createBanditPolicy, type BanditRow } from "./bandit-policy";
import { checkPolicy } from "./check-policy";

const rows: BanditRow[] = [
  { state: 0, completionIds: Int32Array.of(1, 3, 0) },
  { state: 1, completionIds: Int32Array.of(2) },
];
const bandit = () =>
  createBanditPolicy(
    { states: 2, positions: 3, vocabulary: 4 },
    Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
  );

beforeAll(useTestBackend);

describe("checkPolicy", () => {
  it("finds nothing wrong with the bandit", async () => {
    const policy = bandit();
    const findings = await checkPolicy(policy, rows);
    expect(findings.filter((finding) => !finding.holds)).toEqual([]);
    expect(findings.length).toBe(9);
    policy.dispose();
  });

  it("finds nothing wrong with a bandit of one state and one position", async () => {
    const policy = createBanditPolicy({ states: 1, positions: 1, vocabulary: 3 });
    const answers = [0, 2].map((token) => ({ state: 0, completionIds: Int32Array.of(token) }));
    const findings = await checkPolicy(policy, answers);
    expect(findings.filter((finding) => !finding.holds)).toEqual([]);
    policy.dispose();
  });

  it("finds a policy whose padding is not 0, whose rows depend on their neighbors, or that leaks", async () => {
    const policy = bandit();
    const failed = async (broken: Partial<typeof policy>) =>
      (await checkPolicy({ ...policy, ...broken }, rows))
        .filter((finding) => !finding.holds)
        .map((finding) => finding.property);
    expect(
      await failed({
        logProbs: (r, o) => ({ ...policy.logProbs(r, o), logProbs: tf.neg(tf.ones([r.length, o.width])) }),
      }),
    ).toContain("log-probabilities are at most 0 and finite inside, exactly 0 past the end");
    const reversed = (r: readonly BanditRow[]) =>
      r.map((row) => ({ ...row, state: r.length > 1 ? row.state : 1 - row.state }));
    expect(await failed({ logProbs: (r, o) => policy.logProbs(reversed(r), o) })).toContain(
      "a row alone and in a batch give the same",
    );
    expect(await failed({ logProbs: (r, o) => (tf.keep(tf.scalar(1)), policy.logProbs(r, o)) })).toContain(
      "a forward pass leaks no tensor",
    );
    policy.dispose();
  });
});
