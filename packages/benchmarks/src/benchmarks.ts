import type { Benchmark } from "./benchmark";
import { cocoMulti, cocoSingle } from "./adapters/coco";
import { countbench } from "./adapters/countbench";
import { mathvista } from "./adapters/mathvista";
import { megaBench } from "./adapters/mega-bench";
import { mmmu } from "./adapters/mmmu";
import { ocrbenchV2 } from "./adapters/ocrbench-v2";
import { ovdeval } from "./adapters/ovdeval";
import { screenspotPro } from "./adapters/screenspot-pro";

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
