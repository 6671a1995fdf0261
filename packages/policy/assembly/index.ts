/** What the package calls from TypeScript (src/kernels/wasm). Pointers are bytes, counts and strides elements. */
export { gemm, gemmPacked, gemmScratch, packHalves, packWeights, packedRows, packedSize } from "./gemm";
export {
  gatherRows,
  gelu,
  geluBackward,
  layerNorm,
  layerNormBackward,
  normHeads,
  normHeadsBackward,
  rmsNorm,
  rmsNormBackward,
  scatterAddRows,
  sigmoidGelu,
  sigmoidGeluBackward,
  sumRows,
  swiglu,
  swigluBackward,
  widen,
} from "./rows";
export { attention, attentionBackward, attentionScratch, rotateRows, storeKeysValues } from "./attention";
export { decodeScratch, decodeStep } from "./decode";
export { tokenLogProbs, tokenLogProbsBackward } from "./token-log-probs";
