// node tools/run.mjs tools/gpu/conformance.ts BACKEND: the conformance suite on one backend; exits with 1 for a case
// off.
import { CONFORMANCE_TOLERANCE, runConformance } from "../../packages/backend/src/conformance/run-conformance";
import { selectBackend, type BackendName } from "@v-triune/backend";

const { description } = await selectBackend({ prefer: (process.argv[2] ?? "wasm") as BackendName });
const results = runConformance();
const worst = (key: "forwardError" | "gradientError"): string =>
  Math.max(...results.map((result) => result[key]).filter(Number.isFinite)).toExponential(1);
const failed = results.filter(({ passed }) => !passed);
console.log(`${description}: ${results.length - failed.length} of ${results.length} cases`);
console.log(
  `largest error forward ${worst("forwardError")} (at most ${CONFORMANCE_TOLERANCE.forward.toExponential()})`,
);
console.log(
  `largest error gradient ${worst("gradientError")} (at most ${CONFORMANCE_TOLERANCE.gradient.toExponential()})`,
);
for (const { name, problem } of failed) console.log(`${name}: ${problem}`);
process.exit(failed.length === 0 ? 0 : 1);
