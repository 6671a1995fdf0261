/** Comparisons with the original reward server, for `npm run parity` and the tests. */
export {
  isJudgeFile,
  judgeParity,
  thresholdOfJudgeFile,
  type JudgeFile,
  type JudgeParityOptions,
} from "./judge-parity";
