import type { Benchmark } from "./benchmark";
import { cocoMulti, cocoSingle } from "./coco";
import { countbench } from "./countbench";
import { mathvista } from "./mathvista";
import { megaBench } from "./mega-bench";
import { mmmu } from "./mmmu";
import { ocrbenchV2 } from "./ocrbench-v2";
import { ovdeval } from "./ovdeval";
import { screenspotPro } from "./screenspot-pro";

/** The benchmarks that have an adapter. */
export const benchmarks: readonly Benchmark[] = [
  megaBench,
  mmmu,
  mathvista,
  cocoSingle,
  cocoMulti,
  ovdeval,
  countbench,
  ocrbenchV2,
  screenspotPro,
];
