/** Isolated execution in Node: verifiers in worker threads or processes, with a deadline for each sample. */
export {
  builtinVerifierModule,
  createIsolatedRewardSource,
  type IsolatedRewardSource,
  type IsolatedRewardSourceOptions,
} from "./isolated-reward-source";
export { VerifierLoadError } from "./load-verifiers";
export type { VerifierModule } from "./protocol";
export type { PoolStats } from "./verifier-pool";
