/**
 * Types of the public surface. The type-check of `npm test` fails on a wrong one, and on a `@ts-expect-error` without
 * an error.
 */
import {
  createLearner,
  groupAdvantages,
  gspo,
  type Learner,
  type Policy,
  type PolicyLoss,
  type PolicyRow,
  ppoClip,
} from "@v-triune/grpo";
import { type BanditRow, checkPolicy, createBanditPolicy } from "@v-triune/grpo/testing";
import { expectTypeOf } from "vitest";

expectTypeOf(groupAdvantages([1, 0, null], ["a", "a", "a"])).toExtend<ArrayLike<number>>();
// @ts-expect-error a reward is a number or null
groupAdvantages(["1"], ["a"]);
expectTypeOf(ppoClip()).toEqualTypeOf<PolicyLoss>();
expectTypeOf(gspo()).toEqualTypeOf<PolicyLoss>();

const policy = createBanditPolicy({ states: 2, positions: 1, vocabulary: 3 });
expectTypeOf(policy).toExtend<Policy<PolicyRow & { readonly state: number }>>();
const learner = createLearner({ policy, optimizer: { learningRate: 0.1 } });
const row = { state: 0, completionIds: Int32Array.of(1) };
expectTypeOf(learner.update([{ row, advantage: 1 }]).loss).toBeNumber();
// @ts-expect-error the rows are those of the policy
learner.update([{ row: { completionIds: row.completionIds }, advantage: 1 }]);
// @ts-expect-error an optimizer has a learning rate
createLearner({ policy, optimizer: {} });
expectTypeOf(learner).toEqualTypeOf<Learner<BanditRow>>();
expectTypeOf(checkPolicy).parameter(0).toExtend<Policy<PolicyRow>>();
