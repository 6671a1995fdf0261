/**
 * `tokenLogProbs` on the wasm heap. A small batch keeps its logits for the backward pass, a large one makes them again.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isTrainable, withGradient } from "../custom-gradient";
import type { TokenLogProbsOptions } from "../token-log-probs-options";
import { heap } from "./heap";
import { type HeapMatrix, isFloat32, matrixAddress } from "./heap-matrix";
import { multiply } from "./matrix-product";

/** Logits in scratch memory at once. */
const CHUNK_ELEMENTS = 1 << 22;
/** Logits that are kept for the backward pass. */
const KEPT_ELEMENTS = 1 << 24;

export function tokenLogProbsOnHeap(
  hidden: tf.Tensor2D,
  head: HeapMatrix,
  targets: Int32Array,
  options: TokenLogProbsOptions,
): tf.Tensor2D {
  const host = heap()!;
  const { kernels } = host;
  const { entropy } = options;
  const inverse = 1 / options.temperature;
  const [rows, width] = hidden.shape;
  const vocabulary = head.shape[0];
  for (const target of targets)
    if (target < 0 || target >= vocabulary) throw new RangeError(`tokenLogProbs: target ${target} of ${vocabulary}`);
  const columns = entropy ? 2 : 1;
  const keep = rows * vocabulary <= KEPT_ELEMENTS;
  const chunk = Math.min(rows, Math.max(1, Math.floor(CHUNK_ELEMENTS / vocabulary)));
  const trained = isFloat32(head) && isTrainable(head) ? [head] : [];
  const trainable = trained.length > 0;
  const wantsEntropy = entropy ? 1 : 0;
  return withGradient<tf.Tensor2D>([hidden, ...trained], (save) => {
    const gemmFloats = kernels.gemmScratch();
    const scratch = host.scratch(gemmFloats + (keep ? 0 : chunk * vocabulary));
    const shapes = [[rows, columns], [rows, 2], ...(keep ? [[rows, vocabulary]] : [])];
    const [value, stats, logits] = host.run(shapes, (out, stats, kept) =>
      host.withInts(targets, (at) => {
        for (let start = 0; start < rows; start += chunk) {
          const count = Math.min(chunk, rows - start);
          const logits = kept === undefined ? scratch + 4 * gemmFloats : kept + 4 * start * vocabulary;
          multiply(kernels, {
            shape: [count, width, vocabulary],
            left: { address: host.address(hidden) + 4 * start * width, stride: width },
            right: { address: matrixAddress(host, head), stride: width, transposed: true },
            out: { address: logits, stride: vocabulary },
            scratch,
          });
          kernels.tokenLogProbs(
            logits,
            at + 4 * start,
            count,
            vocabulary,
            inverse,
            wantsEntropy,
            out! + 4 * start * columns,
            columns,
            stats! + 8 * start,
          );
        }
      }),
    );
    save([hidden, stats!, ...(logits ? [logits] : [])]);
    return {
      value: value as tf.Tensor2D,
      gradient: (dy, [hidden, stats, logits]) => {
        const scratch = host.scratch(gemmFloats + chunk * vocabulary);
        const work = scratch + 4 * gemmFloats;
        return host.run([[rows, width], ...(trainable ? [[vocabulary, width]] : [])], (dHidden, dHead) =>
          host.withInts(targets, (at) => {
            for (let start = 0; start < rows; start += chunk) {
              const count = Math.min(chunk, rows - start);
              const states = host.address(hidden!) + 4 * start * width;
              if (logits)
                host
                  .floats(work, count * vocabulary)
                  .set(host.floats(host.address(logits) + 4 * start * vocabulary, count * vocabulary));
              else
                multiply(kernels, {
                  shape: [count, width, vocabulary],
                  left: { address: states, stride: width },
                  right: { address: matrixAddress(host, head), stride: width, transposed: true },
                  out: { address: work, stride: vocabulary },
                  scratch,
                });
              kernels.tokenLogProbsBackward(
                work,
                at + 4 * start,
                host.address(dy) + 4 * start * columns,
                columns,
                host.address(stats!) + 8 * start,
                count,
                vocabulary,
                inverse,
                wantsEntropy,
              );
              multiply(kernels, {
                shape: [count, vocabulary, width],
                left: { address: work, stride: vocabulary },
                right: { address: matrixAddress(host, head), stride: width },
                out: { address: dHidden! + 4 * start * width, stride: width },
                scratch,
              });
              if (dHead !== undefined)
                multiply(kernels, {
                  shape: [vocabulary, count, width],
                  left: { address: work, stride: vocabulary, transposed: true },
                  right: { address: states, stride: width },
                  out: { address: dHead, stride: width },
                  accumulate: start > 0,
                  scratch,
                });
            }
          }),
        );
      },
    };
  });
}
