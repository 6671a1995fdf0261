/**
 * What an alarm watches for, as data: a metric, a scope, and one of four shapes. The default rules are the ways in
 * which runs of this kind are known to go wrong; their numbers are rules of thumb and meant to be changed.
 */
import type { MetricScope, MetricSplit } from "./metric-record";

interface RuleBase {
  readonly name: string;
  readonly metric: string;
  /** A rule of scope "source" watches "all" in a run that records no sources. */
  readonly scope: MetricScope;
  /** Of which records. Default "train". */
  readonly split?: MetricSplit;
  /** "stop" may end the run where the user asked for that. */
  readonly severity: "warn" | "stop";
  /** Steps that are averaged, so that one odd step is no alarm. */
  readonly window: number;
  /**
   * Prompts that an average must rest on. A source with few prompts per step is averaged over more steps, and a fall,
   * a rise or an excess over a limit must be larger than chance makes it. Default 0: neither.
   */
  readonly prompts?: number;
  /** What people do about it. */
  readonly advice: string;
}

/**
 * Means weigh a step by its prompts.
 *
 * - `above`: the mean of the last `window` steps is over `limit`
 * - `fall`: it is under (1 - `share`) of the best mean of any earlier window, if that was at least `least`
 * - `rise`: it is over `factor` times the lowest mean of any earlier window, and at least `least`
 * - `spike`: the last step is over `factor` times the median of the `window` steps before, and at least `least`; or it
 *   is not finite
 */
export type AlarmRule = RuleBase &
  (
    | { readonly shape: "above"; readonly limit: number }
    | { readonly shape: "fall"; readonly share: number; readonly least: number }
    | { readonly shape: "rise"; readonly factor: number; readonly least: number }
    | { readonly shape: "spike"; readonly factor: number; readonly least: number }
  );

/** What may be changed of a rule: its own numbers, and how grave it is. */
export interface AlarmRuleChange {
  readonly prompts?: number;
  readonly limit?: number;
  readonly share?: number;
  readonly factor?: number;
  readonly least?: number;
  readonly window?: number;
  readonly severity?: AlarmRule["severity"];
}

/** By a rule's name: what is different, or false for a rule that is off. */
export type AlarmRuleChanges = Readonly<Record<string, AlarmRuleChange | false>>;

/** The rules that are on by default. */
export const DEFAULT_ALARM_RULES: readonly AlarmRule[] = [
  {
    name: "reward collapse",
    metric: "critic/rewards/mean",
    scope: "source",
    shape: "fall",
    share: 0.5,
    least: 0.1,
    window: 5,
    prompts: 20,
    severity: "stop",
    advice:
      "Look at the source's rollouts before and after. Often the learning rate is too high (go back to a " +
      "checkpoint, halve it) or the verifier began to fail (see verdict/error_ratio).",
  },
  {
    name: "length explosion",
    metric: "response_length/mean",
    scope: "source",
    shape: "rise",
    factor: 2.5,
    least: 64,
    window: 5,
    prompts: 20,
    severity: "warn",
    advice:
      "Check whether the correct answers grow too (response_length/correct/mean). If only wrong ones do, the model " +
      "rambles: look for repetition, lower the learning rate, or punish overlong answers.",
  },
  {
    name: "answers cut off",
    metric: "response_length/clip_ratio",
    scope: "source",
    shape: "above",
    limit: 0.3,
    window: 5,
    prompts: 20,
    severity: "warn",
    advice:
      "Raise rollout.maxNewTokens, or look why answers do not end: a cut answer mostly earns nothing, however good " +
      "it began.",
  },
  {
    name: "groups without signal",
    metric: "group/zero_signal_ratio",
    scope: "all",
    shape: "above",
    limit: 0.8,
    window: 5,
    prompts: 20,
    severity: "warn",
    advice:
      "Most groups earn the same reward throughout and teach nothing. Filter samples by difficulty, raise " +
      "rollout.n or the temperature, or take out sources that are solved.",
  },
  {
    name: "entropy collapse",
    metric: "actor/entropy",
    scope: "all",
    shape: "fall",
    share: 0.9,
    least: 0.05,
    window: 5,
    severity: "warn",
    advice:
      "The policy has become nearly deterministic and explores no more. Raise algorithm.clipHigh, lower the " +
      "learning rate, or add an entropy bonus.",
  },
  {
    name: "KL spike",
    metric: "actor/ppo_kl",
    scope: "all",
    shape: "spike",
    factor: 10,
    least: 0.02,
    window: 8,
    severity: "stop",
    advice:
      "One update moved the policy far from the one that made the rollouts. Lower the learning rate or the number " +
      "of updates a step; check optimizer.maxGradNorm.",
  },
  {
    name: "gradient spike",
    metric: "actor/grad_norm",
    scope: "all",
    shape: "spike",
    factor: 10,
    least: 1,
    window: 8,
    severity: "warn",
    advice:
      "Clipping bounds the step, but not its direction. Look at the step's rollouts for a broken sample; if it " +
      "comes back, lower the learning rate.",
  },
  {
    name: "vision gradients grow",
    metric: "actor/grad_norm/vision",
    scope: "all",
    shape: "rise",
    factor: 5,
    least: 0.5,
    window: 5,
    severity: "warn",
    advice:
      "The paper saw this before its runs with a trained vision tower collapsed. Freeze it " +
      "(optimizer.groups.vision.freeze), or give it a lower learning rate.",
  },
  {
    name: "verifier errors",
    metric: "verdict/error_ratio",
    scope: "source",
    shape: "above",
    limit: 0.05,
    window: 3,
    prompts: 6,
    severity: "stop",
    advice:
      "Rewards are missing, not low. The reasons are in the record (reasons); a reward server may be down, a " +
      "deadline too short, a sample malformed.",
  },
  {
    name: "boxes of another convention",
    metric: "boxes/other_convention_ratio",
    scope: "source",
    shape: "above",
    limit: 0.25,
    window: 1,
    severity: "warn",
    advice:
      "The boxes look as if the model wrote them in another unit than they are read in, so that right boxes count as wrong (the number of answers is boxes/other_convention). Look at them in the dashboard and name the convention: reward.boxes.",
  },
  {
    name: "tool collapse",
    metric: "tools/rate",
    scope: "source",
    shape: "fall",
    share: 0.75,
    least: 0.2,
    window: 5,
    prompts: 20,
    severity: "warn",
    advice:
      "The model calls its tools far less than it did. That is right where it needs none; compare the accuracy with and " +
      "without tools (v-triune eval --tools on,off). If it is not, lower the share of samples that need no tool, or pay " +
      "for it: reward.tools.curiosity or whenRight.",
  },
  {
    name: "call spam",
    metric: "tools/calls",
    scope: "source",
    shape: "rise",
    factor: 2.5,
    least: 2,
    window: 5,
    prompts: 20,
    severity: "warn",
    advice:
      "Answers call more and more. Check whether accuracy by turns rises with it (turns/correct_with/..); if not, let " +
      "calls cost something (reward.tools.callCost) or lower rollout.turns.max.",
  },
  {
    name: "forgetting",
    metric: "forgetting/certain_drop",
    scope: "source",
    split: "eval",
    shape: "above",
    limit: 0.05,
    window: 1,
    severity: "warn",
    advice:
      "The held-out accuracy of this source fell, more than chance explains, while the others rose. Raise its weight " +
      "in data.train, lower the learning rate, or go back to the checkpoint of its best evaluation.",
  },
  {
    name: "stale weights",
    metric: "rollout/weights_age",
    scope: "all",
    shape: "above",
    limit: 1,
    window: 1,
    severity: "stop",
    advice:
      "The rollouts came from weights more than one step old. Check that the rollout server takes new weights and " +
      "says so.",
  },
];

/**
 * The usual rules with changes.
 *
 * @throws RangeError for a rule that there is not, or a number that this rule does not have
 * @example changedAlarmRules({ "length explosion": false, "answers cut off": { limit: 0.5 } })
 */
export function changedAlarmRules(changes: AlarmRuleChanges): readonly AlarmRule[] {
  const names = DEFAULT_ALARM_RULES.map(({ name }) => name);
  for (const [name, change] of Object.entries(changes)) {
    const rule = DEFAULT_ALARM_RULES.find((one) => one.name === name);
    if (rule === undefined) throw new RangeError(`there is no alarm "${name}", but ${names.join(", ")}`);
    const unknown = Object.keys(change === false ? {} : change).find((key) => !(key in rule));
    if (unknown !== undefined)
      throw new RangeError(
        `the alarm "${name}" has no ${unknown}, but ${Object.keys(rule)
          .filter((key) => CHANGEABLE.has(key))
          .join(", ")}`,
      );
  }
  return DEFAULT_ALARM_RULES.flatMap((rule) => {
    const change = Object.hasOwn(changes, rule.name) ? changes[rule.name]! : {};
    return change === false ? [] : [{ ...rule, ...change } as AlarmRule];
  });
}

const CHANGEABLE = new Set(["limit", "share", "factor", "least", "window", "prompts", "severity"]);
