/** `@v-triune/grpo/testing`: a bandit policy and the conformance kit of the Policy seam. */
export { createBanditPolicy, type BanditOptions, type BanditPolicy, type BanditRow } from "./bandit-policy";
export { checkPolicy, type CheckPolicyOptions, type PolicyFinding } from "./check-policy";
