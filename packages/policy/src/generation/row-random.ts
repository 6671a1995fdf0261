/** A stream of uniform numbers for each sampled row that depends on the seed and the row's place only. */
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";

/**
 * Uniform numbers in [0, 1) with 32 bits for sample `sampleIndex` of prompt `promptIndex`. Streams of different places
 * or seeds are unrelated: their states come from a hash of the three.
 */
export function rowRandom(seed: number, promptIndex: number, sampleIndex: number): () => number {
  const state = [0, 1, 2, 3].map((word) => {
    let hash = mix(Math.floor(seed / 2 ** 32) ^ (word * 0x9e3779b9));
    hash = mix(hash ^ (seed | 0));
    hash = mix(hash ^ promptIndex);
    return mix(hash ^ Math.imul(sampleIndex + 1, 0x85ebca6b));
  });
  const generator = xoroshiro128plusFromState(state);
  return () => (generator.next() >>> 0) / 2 ** 32;
}

/** The finalizer of MurmurHash3: every input bit changes half of the output's. */
function mix(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
