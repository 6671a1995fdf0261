/** `tokenLogProbs` by ops beside TensorFlow: of a chunk's logits only their gradient is made besides. */
import * as tf from "@tensorflow/tfjs-core";
import type { OverVocabulary, RowChunk } from "../over-vocabulary";
import type { TokenLogProbsOptions } from "../token-log-probs-options";
import { runOwnOp } from "./own-ops";

/** @throws RangeError for a token outside of the vocabulary */
export function tokenLogProbsInOneOp(
  targets: Int32Array,
  vocabulary: number,
  { temperature, entropy }: TokenLogProbsOptions,
): OverVocabulary {
  const strange = targets.find((target) => target < 0 || target >= vocabulary);
  if (strange !== undefined) throw new RangeError(`tokenLogProbs: target ${strange} of ${vocabulary}`);
  const targetsOf = ({ start, count }: RowChunk): tf.Tensor =>
    tf.tensor1d(targets.subarray(start, start + count), "int32");
  const settings = (): tf.Tensor => tf.tensor1d([1 / temperature, entropy ? 1 : 0], "float32");
  return {
    oneDnn: true,
    sparesLogits: true,
    value(logits, chunk) {
      const [value, stats] = runOwnOp("LogProbs", [logits, targetsOf(chunk), settings()], 2);
      return [value as tf.Tensor2D, stats as tf.Tensor2D];
    },
    logitGradient(logits, chunk, dy, [stats]) {
      const own = tf.slice2d(dy, [chunk.start, 0], [chunk.count, -1]);
      const [dz] = runOwnOp("LogProbsGradient", [own, logits, targetsOf(chunk), stats!, settings()], 1);
      logits.dispose();
      return dz as tf.Tensor2D;
    },
  };
}
