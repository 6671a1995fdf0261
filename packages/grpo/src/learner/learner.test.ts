import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { groupAdvantages } from "../advantages/group-relative";
import { LearnerConfigError, TrainingDivergedError } from "../errors";
import { countBatch } from "../losses/aggregation";
import { dro } from "../losses/dro";
import { gmpo } from "../losses/gmpo";
import { gspo } from "../losses/gspo";
import type { ObjectiveConfig } from "../losses/objective";
import { createBanditPolicy, type BanditPolicy, type BanditRow } from "../testing/bandit-policy";
import { useTestBackend } from "../testing/test-backend";
import { joinParts, addInto } from "./contribution";
import { createLearner } from "./learner";
import type { LearnerConfig } from "./learner-config";
import type { MicroBatchLimits } from "./micro-batches";
import type { TrainingRow } from "./training-row";

beforeAll(useTestBackend);

/** A small generator (mulberry32): tests need the same numbers everywhere. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const SIZES = { states: 3, positions: 6, vocabulary: 5 };
const LEARNING_RATE = 0.05;

function bandit(seed = 1): BanditPolicy {
  const random = seeded(seed);
  return createBanditPolicy(
    SIZES,
    Float32Array.from({ length: 90 }, () => random() * 2 - 1),
  );
}

/**
 * Twelve rollouts of different lengths in three groups, with old, reference and rollout log-probabilities off the
 * policy.
 */
function rollouts(policy: BanditPolicy, seed = 7): TrainingRow<BanditRow>[] {
  const random = seeded(seed);
  const rows = Array.from({ length: 12 }, (_, i) => policy.sample(i % 3, 1 + Math.floor(random() * 6), random));
  const rewards = rows.map((_, i) => (i === 4 ? null : Math.round(random() * 4) / 4));
  const advantages = groupAdvantages(
    rewards,
    rows.map((row) => row.state),
  );
  const noisy = (row: BanditRow, spread: number) =>
    Array.from(row.completionIds, () => -1.5 + spread * (random() - 0.5));
  return rows.map((row, i) => ({
    row,
    advantage: rewards[i] === null ? null : advantages[i]!,
    oldLogProbs: noisy(row, 2),
    refLogProbs: noisy(row, 1),
    rolloutLogProbs: noisy(row, 2),
  }));
}

function learnerOf(policy: BanditPolicy, config: Partial<LearnerConfig<BanditRow>> = {}) {
  return createLearner({ policy, optimizer: { learningRate: LEARNING_RATE }, ...config });
}

const weights = (policy: BanditPolicy) => [...policy.table.dataSync(), ...policy.bias.dataSync()];
const largest = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

it("says which share of what it computed is padding", () => {
  const policy = bandit();
  const row = (length: number) => ({ row: { state: 0, completionIds: new Int32Array(length) }, advantage: 1 });
  const learner = learnerOf(policy);
  expect(learner.update([row(2), row(6), row(4)]).paddingShare).toBeCloseTo(6 / 18);
  expect(learner.update([row(3), row(3)]).paddingShare).toBe(0);
  expect(learner.update([{ ...row(3), advantage: 0 }]).paddingShare).toBe(0);
  learner.dispose();
  policy.dispose();
});

describe("an update in parts", () => {
  it("has the bits of `update`, whoever computes which micro-batch", () => {
    const config = {
      microBatch: { rows: 3 },
      objective: { kl: { coefficient: 0.1 } },
      correction: { importance: { level: "token" as const } },
      measureEntropy: true,
    };
    const [whole, split, replica] = [bandit(), bandit(), bandit()];
    const [first, learner, other] = [whole, split, replica].map((policy) => learnerOf(policy, config)) as [
      ReturnType<typeof learnerOf>,
      ReturnType<typeof learnerOf>,
      ReturnType<typeof learnerOf>,
    ];
    const expected = first.update(rollouts(whole));
    const plan = structuredClone(learner.parts.plan(rollouts(split)));
    expect(plan.microBatches.length).toBeGreaterThan(2);
    const computed = [...plan.microBatches.keys()]
      .reverse()
      .map((i) => [i, (i % 2 === 0 ? learner : other).parts.microBatch(plan.microBatches[i]!, plan)] as const);
    const parts = computed.sort(([a], [b]) => a - b).map(([, part]) => part);
    const gradients = new Map<string, tf.Tensor>();
    for (const part of parts) for (const [name, gradient] of part.gradients) addInto(gradients, name, gradient);
    const found = learner.parts.apply(learner.parts.complete(plan, joinParts(gradients, parts)));
    expect(found).toEqual(expected);
    expect(Object.keys(found.correction).length).toBeGreaterThan(0);
    expect(weights(split)).toEqual(weights(whole));
    for (const each of [first, learner, other]) each.dispose();
    for (const policy of [whole, split, replica]) policy.dispose();
  });
});

describe("learning", () => {
  it("finds the rewarded token of every state with GRPO", () => {
    const policy = createBanditPolicy({ states: 3, positions: 2, vocabulary: 6 });
    const learner = learnerOf(policy);
    const random = seeded(3);
    const score = (row: BanditRow) => [...row.completionIds].filter((id) => id === row.state + 1).length / 2;
    const sampled = (n: number) => Array.from({ length: n }, (_, i) => policy.sample(i % 3, 2, random));
    const mean = (rows: BanditRow[]) => rows.reduce((sum, row) => sum + score(row), 0) / rows.length;
    const before = mean(sampled(300));
    for (let step = 0; step < 60; step++) {
      const rows = sampled(24);
      const advantages = groupAdvantages(
        rows.map(score),
        rows.map((row) => row.state),
      );
      learner.update(rows.map((row, i) => ({ row, advantage: advantages[i]! })));
    }
    expect(before).toBeLessThan(0.3);
    expect(mean(sampled(300))).toBeGreaterThan(0.9);
    learner.dispose();
    policy.dispose();
  });

  it("learns tokens by supervision, and reports their mean cross-entropy", () => {
    const policy = createBanditPolicy({ states: 1, positions: 2, vocabulary: 4 });
    const learner = learnerOf(policy, { optimizer: { learningRate: 0.3, weightDecay: 0 } });
    const rows = [{ row: { state: 0, completionIds: Int32Array.of(2, 1) } }];
    const first = learner.supervised(rows);
    expect(first.loss).toBeCloseTo(Math.log(4), 6);
    for (let step = 0; step < 30; step++) learner.supervised(rows);
    expect(learner.supervised(rows).loss).toBeLessThan(0.05);
    expect(learner.step).toBe(32);
    learner.dispose();
    policy.dispose();
  });
});

describe("micro-batches", () => {
  const objectives: [string, ObjectiveConfig][] = [
    ["PPO, token-mean", {}],
    [
      "PPO, seq-mean-token-mean with KL and entropy",
      { aggregation: "seq-mean-token-mean", kl: { coefficient: 0.1 }, entropyCoefficient: 0.01 },
    ],
    ["PPO, seq-mean-token-sum-norm", { aggregation: "seq-mean-token-sum-norm", maxLength: 6 }],
    ["GSPO", { policyLoss: gspo({ clipLow: 0.2, clipHigh: 0.3 }), aggregation: "seq-mean-token-mean" }],
    ["GMPO", { policyLoss: gmpo() }],
    ["DRO", { policyLoss: dro(0.5), aggregation: "token-sum" }],
  ];
  const limits: MicroBatchLimits[] = [{ rows: 1 }, { rows: 5 }, { tokens: 8 }, { rows: 3, tokens: 20 }];
  for (const [name, objective] of objectives) {
    it(`do not change the result: ${name}`, () => {
      const run = (microBatch: MicroBatchLimits) => {
        const policy = bandit();
        const correction = { importance: { level: "sequence" as const, upper: 2, normalize: true } };
        const learner = learnerOf(policy, { objective, microBatch, correction });
        const rows = rollouts(policy);
        const stats = [1, 2, 3].map(() => learner.update(rows));
        const result = { stats, weights: weights(policy) };
        learner.dispose();
        policy.dispose();
        return result;
      };
      const whole = run({});
      expect(whole.stats[0]!.microBatches).toBe(1);
      for (const limit of limits) {
        const split = run(limit);
        expect(split.stats[0]!.microBatches).toBeGreaterThan(1);
        expect(largest(split.weights, whole.weights)).toBeLessThan(2e-6);
        split.stats.forEach((stats, k) => {
          expect(stats.loss).toBeCloseTo(whole.stats[k]!.loss, 5);
          expect(stats.gradNorm.total).toBeCloseTo(whole.stats[k]!.gradNorm.total, 5);
          expect(stats.clipFraction).toBe(whole.stats[k]!.clipFraction);
        });
      }
    });
  }

  it("may be computed apart, as on several workers, and applied together", () => {
    const [one, two] = [bandit(), bandit()];
    const [whole, split] = [learnerOf(one), learnerOf(two)];
    const rows = rollouts(one);
    const stats = whole.update(rows);
    const tokens = rows
      .filter((row) => row.advantage !== null)
      .reduce((sum, row) => sum + row.row.completionIds.length, 0);
    const counts = { tokens, sequences: 11 };
    const a = split.parts.contribution(rows.slice(0, 5), counts);
    const b = split.parts.contribution(rows.slice(5), counts);
    for (const [name, gradient] of b.gradients) {
      const held = a.gradients.get(name)!;
      a.gradients.set(name, tf.add(held, gradient));
      held.dispose();
      gradient.dispose();
    }
    const together = split.parts.apply(a);
    expect(together.gradNorm.total).toBeCloseTo(stats.gradNorm.total, 6);
    expect(largest(weights(one), weights(two))).toBeLessThan(2e-6);
    for (const thing of [whole, split, one, two]) thing.dispose();
  });
});

describe("rows", () => {
  it("without a score change nothing, not even N", () => {
    const [one, two] = [bandit(), bandit()];
    const [a, b] = [learnerOf(one), learnerOf(two)];
    const rows = rollouts(one);
    const [withNull, without] = [a.update(rows), b.update(rows.filter((row) => row.advantage !== null))];
    expect(withNull.tokens).toBe(without.tokens);
    expect(withNull.rows).toBe(11);
    expect(weights(one)).toEqual(weights(two));
    for (const thing of [a, b, one, two]) thing.dispose();
  });

  it("without signal count in N but are not computed, and computing them changes nothing", () => {
    const [one, two] = [bandit(), bandit()];
    const [a, b] = [learnerOf(one), learnerOf(two, { forwardRowsWithoutSignal: true })];
    const rows = rollouts(one).map((row, i) => (i < 3 ? { ...row, advantage: 0 } : row));
    const [lazy, full] = [a.update(rows), b.update(rows)];
    expect(lazy.tokens).toBe(full.tokens);
    expect(lazy.forwardedRows).toBeLessThan(full.forwardedRows);
    expect(lazy.clipFraction).toBe(full.clipFraction);
    expect(lazy.loss).toBeCloseTo(full.loss, 9);
    expect(largest(weights(one), weights(two))).toBeLessThan(1e-6);
    for (const thing of [a, b, one, two]) thing.dispose();
  });

  it("without any signal still make a step of zeros: momentum and decay go on", () => {
    const policy = bandit();
    const learner = learnerOf(policy, { optimizer: { learningRate: 0.1, weightDecay: 0.5 } });
    const before = weights(policy);
    const stats = learner.update(rollouts(policy).map((row) => ({ ...row, advantage: 0 })));
    expect(stats.forwardedRows).toBe(0);
    expect(stats.gradNorm.total).toBe(0);
    expect(
      largest(
        weights(policy),
        before.map((w) => w * 0.95),
      ),
    ).toBeLessThan(1e-6);
    learner.dispose();
    policy.dispose();
  });

  it("may leave out old log-probabilities when used once: the ratio is 1 and has a gradient", () => {
    const [one, two] = [bandit(), bandit()];
    const [a, b] = [learnerOf(one), learnerOf(two)];
    const rows = rollouts(one).map(({ row, advantage }) => ({ row, advantage }));
    const old = b.logProbs(rows.map((row) => row.row));
    const [omitted, given] = [a.update(rows), b.update(rows.map((row, i) => ({ ...row, oldLogProbs: old[i]! })))];
    expect(omitted.ratioMin).toBe(1);
    expect(omitted.gradNorm.total).toBeGreaterThan(0.01);
    expect(omitted.gradNorm.total).toBeCloseTo(given.gradNorm.total, 6);
    for (const thing of [a, b, one, two]) thing.dispose();
  });

  it("with a mask learn only from its tokens", () => {
    const policy = bandit();
    const learner = learnerOf(policy);
    const row = { state: 0, completionIds: Int32Array.of(1, 2, 3) };
    const part = learner.parts.contribution([{ row, advantage: 1, mask: [1, 0, 0] }]);
    expect(part.counts).toEqual(countBatch([1, 0, 0], 3));
    const gradient = [...part.gradients.get("table.weight")!.dataSync()];
    expect(gradient.slice(0, 5).some((g) => g !== 0)).toBe(true);
    expect(gradient.slice(5).every((g) => g === 0)).toBe(true);
    for (const tensor of part.gradients.values()) tensor.dispose();
    learner.dispose();
    policy.dispose();
  });
});

describe("parameters", () => {
  it("follow their group's learning rate, schedule and freeze switch, and norms are told apart", () => {
    const policy = bandit();
    const learner = learnerOf(policy, {
      schedule: { kind: "constant", warmupSteps: 2 },
      groups: { table: { learningRate: 0.2 }, bias: { frozen: true } },
      optimizer: { learningRate: 0.1, weightDecay: 0.5 },
    });
    const bias = [...policy.bias.dataSync()];
    const start = [...policy.table.dataSync()];
    const first = learner.update(rollouts(policy));
    expect(first.learningRates).toEqual({ table: 0 });
    expect([...policy.table.dataSync()]).toEqual(start);
    const second = learner.update(rollouts(policy));
    expect(second.learningRates).toEqual({ table: 0.1 });
    expect([...policy.table.dataSync()]).not.toEqual(start);
    expect([...policy.bias.dataSync()]).toEqual(bias);
    expect(Object.keys(second.gradNorm.byLayer)).toEqual(["table.0"]);
    expect(second.gradNorm.byGroup["table"]).toBe(second.gradNorm.total);
    learner.dispose();
    policy.dispose();
  });

  it("go on bit for bit from an exported state", () => {
    const [one, two] = [bandit(), bandit()];
    const straight = learnerOf(one, { schedule: { kind: "cosine", totalSteps: 10, warmupSteps: 2 } });
    const interrupted = learnerOf(two, { schedule: { kind: "cosine", totalSteps: 10, warmupSteps: 2 } });
    const rows = rollouts(one);
    for (let step = 0; step < 6; step++) straight.update(rows);
    for (let step = 0; step < 3; step++) interrupted.update(rows);
    const state = interrupted.exportState();
    interrupted.dispose();
    const resumed = learnerOf(two, { schedule: { kind: "cosine", totalSteps: 10, warmupSteps: 2 } });
    resumed.importState(state);
    expect(resumed.step).toBe(3);
    for (let step = 0; step < 3; step++) resumed.update(rows);
    expect(weights(two)).toEqual(weights(one));
    for (const thing of [straight, resumed, one, two]) thing.dispose();
  });
});

describe("memory", () => {
  it("holds no tensor more after 50 updates", () => {
    const policy = bandit();
    const learner = learnerOf(policy, {
      microBatch: { rows: 4 },
      objective: { kl: { coefficient: 0.1 }, entropyCoefficient: 0.01 },
      optimizer: { learningRate: 0.01, amsgrad: true },
    });
    const rows = rollouts(policy);
    learner.update(rows);
    const before = tf.memory().numTensors;
    for (let step = 0; step < 50; step++) learner.update(rows);
    expect(tf.memory().numTensors).toBe(before);
    learner.dispose();
    policy.dispose();
  });
});

describe("rollout correction", () => {
  it("weights tokens, drops those too far away, and reports verl's metrics", () => {
    const policy = bandit();
    const learner = learnerOf(policy, {
      correction: { importance: { upper: 1.5 }, rejection: [{ statistic: "token_k1", lower: 0.5, upper: 2 }] },
    });
    const rows = rollouts(policy);
    const stats = learner.update(rows);
    const all = rows
      .filter((row) => row.advantage !== null)
      .reduce((sum, row) => sum + row.row.completionIds.length, 0);
    expect(stats.tokens).toBe(Math.round(all * (1 - stats.correction["rollout_rs_masked_fraction"]!)));
    expect(stats.tokens).toBeLessThan(all);
    expect(stats.correction["rollout_is_max"]).toBeLessThanOrEqual(1.5);
    learner.dispose();
    policy.dispose();
  });

  it("of rows without old log-probabilities compares the policy itself with the engine", () => {
    const [one, two] = [bandit(), bandit()];
    const correction = { importance: { level: "sequence" as const, upper: 3 } };
    const [a, b] = [learnerOf(one, { correction, microBatch: { rows: 2 } }), learnerOf(two, { correction })];
    const rows = rollouts(one).map(({ row, advantage, rolloutLogProbs }) => ({
      row,
      advantage,
      rolloutLogProbs: rolloutLogProbs!,
    }));
    const old = b.logProbs(rows.map((row) => row.row));
    const [omitted, given] = [a.update(rows), b.update(rows.map((row, i) => ({ ...row, oldLogProbs: old[i]! })))];
    expect(omitted.gradNorm.total).toBeCloseTo(given.gradNorm.total, 5);
    expect(omitted.correction["rollout_is_mean"]).toBeGreaterThan(0);
    for (const thing of [a, b, one, two]) thing.dispose();
  });
});

describe("what goes wrong", () => {
  it("a NaN log-probability names the row and token, and changes nothing", () => {
    const policy = bandit();
    const learner = learnerOf(policy);
    const rows = rollouts(policy);
    const broken = policy.table.dataSync().slice() as Float32Array;
    broken.fill(NaN, 6 * 5, 7 * 5); // state 1, position 0
    tf.tidy(() => policy.table.assign(tf.tensor(broken, policy.table.shape)));
    const before = weights(policy);
    const tensors = tf.memory().numTensors;
    const error = caught(() => learner.update(rows), TrainingDivergedError);
    expect(error.number).toMatchObject({ kind: "log-probabilities", token: 0 });
    expect(rows[(error.number as { row: number }).row]!.row.state).toBe(1);
    expect(error.message).toMatch(/in update 1\.[^]*where: {4}the log-probability of token 0 of rows\[\d\]/);
    expect(weights(policy)).toEqual(before);
    expect(learner.step).toBe(0);
    expect(tf.memory().numTensors).toBe(tensors);
    learner.dispose();
    policy.dispose();
  });

  it("an infinite gradient names the parameter, and changes nothing", () => {
    const policy = bandit();
    const learner = learnerOf(policy);
    const before = weights(policy);
    const part = learner.parts.contribution(rollouts(policy));
    part.gradients.get("bias")!.dispose();
    part.gradients.set("bias", tf.tensor1d([1, 1, Infinity, 1, 1]));
    const error = caught(() => learner.parts.apply(part), TrainingDivergedError);
    expect(error.number).toEqual({ kind: "gradient", parameter: "bias" });
    expect(error.where).toBe("the gradient of bias");
    expect(weights(policy)).toEqual(before);
    learner.dispose();
    policy.dispose();
  });

  it("wrong settings and rows are named with what to do", () => {
    const policy = bandit();
    const row = { state: 0, completionIds: Int32Array.of(1, 2) };
    const key = (run: () => unknown) => caught(run, LearnerConfigError).key;
    expect(key(() => learnerOf(policy, { optimizer: { learningRate: -1 } }))).toBe("optimizer.learningRate");
    expect(key(() => learnerOf(policy, { groups: { tabel: { learningRate: 1 } } }))).toBe("groups.tabel");
    expect(key(() => learnerOf(policy, { groups: { table: { frozen: true }, bias: { frozen: true } } }))).toBe(
      "groups",
    );
    expect(key(() => learnerOf(policy, { maxGradNorm: 0 }))).toBe("maxGradNorm");
    const plain = learnerOf(policy);
    expect(key(() => plain.update([{ row, advantage: NaN }]))).toBe("rows[0].advantage");
    expect(key(() => plain.update([{ row, advantage: 1, oldLogProbs: [-1] }]))).toBe("rows[0].oldLogProbs");
    const strict = learnerOf(policy, { objective: { kl: { coefficient: 1 } } });
    expect(key(() => strict.update([{ row, advantage: 1 }]))).toBe("rows[0].refLogProbs");
    const moment = (size: number) => ({ shape: [size], m: new Float32Array(size), v: new Float32Array(size) });
    const restore = (moments: Record<string, ReturnType<typeof moment>>) =>
      key(() => plain.importState({ optimizer: { step: 1, moments } }));
    expect(restore({ other: moment(1) })).toBe('state.optimizer.moments["other"]');
    expect(restore({ bias: moment(4) })).toBe('state.optimizer.moments["bias"]');
    expect(restore({ bias: moment(5) })).toBe('state.optimizer.moments["table.weight"]');
    expect(caught(() => strict.update([{ row, advantage: 1 }]), LearnerConfigError).message).toBe(
      [
        "The learner cannot train with this setting or row.",
        "  where:    rows[0].refLogProbs",
        "  expected: 2 log-probabilities",
        "  found:    nothing",
        "  fix:      give them, or remove the term of the configuration that needs",
        "            refLogProbs",
      ].join("\n"),
    );
    plain.dispose();
    strict.dispose();
    policy.dispose();
  });
});

function caught<E extends Error>(run: () => unknown, type: abstract new (...args: never[]) => E): E {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(type);
    return error as E;
  }
  throw new Error("expected an error");
}
