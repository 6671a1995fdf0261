/** Comparisons with reference numbers, for `npm run parity` and the tests, which call the same code. */
export { cocoMapParity, isCocoMapFile, type CocoMapFile } from "./coco-map-parity";
export { detectionRewardParity, isDetectionRewardFile, type DetectionRewardFile } from "./detection-reward-parity";
export {
  type Agreement,
  type Disagreement,
  formatAgreement,
  type HumanVerdict,
  humanVerdictsParity,
  type HumanVerdictsParity,
  isHumanVerdictsFile,
  type JudgeAgreement,
} from "./human-verdicts-parity";
export { ParityRows, type ParityRow } from "./parity-row";
export { type LabeledPair, type PairAgreement, type PairDifference, comparePairs } from "../math/parity";
