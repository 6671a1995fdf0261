import type { TrainingConfig } from "@v-triune/training/browser";
import { version as tfjs } from "@tensorflow/tfjs-core/package.json";
import { version } from "../../../trainer/package.json";

/** What run.json of the run says. */
export function describedRun(config: TrainingConfig) {
  return {
    format: 1,
    name: config.run.name,
    seed: config.run.seed,
    backend: `WebAssembly (SIMD, one thread), tfjs ${tfjs}, in a browser`,
    versions: { "v-triune": version, browser: navigator.userAgent, "@tensorflow/tfjs-core": tfjs },
    createdAt: new Date().toISOString(),
    config,
  };
}
