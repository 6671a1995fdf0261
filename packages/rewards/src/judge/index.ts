/** Judges for open answers, for Node: a model behind an OpenAI-compatible endpoint as a verifier. */
export { JUDGE, createJudge, openJudge } from "./judge";
export { JudgeRefusedError } from "./judge-fault";
export type { RubricItem } from "./judge-prompt";
export {
  JUDGE_DEFAULTS,
  loadJudgeSettings,
  readJudgeSettings,
  type JudgeEndpointSettings,
  type JudgeSettings,
} from "./judge-settings";
