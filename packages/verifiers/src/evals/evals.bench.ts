/**
 * What an adapter costs over the verifier itself, microseconds a call, the least of five rounds in turn: npm run bench
 * -- evals.bench. The verifier answers at once, so that the adapter is what is timed.
 */
import type { Verifier } from "../verifier";
import { autoevalsScorer, evaliteScorer, langsmithEvaluator, mastraSteps, promptfooAssertion } from "./index";

const CALLS = 20_000;
const verifier: Verifier = {
  name: "constant",
  verify: () => ({ status: "scored", accuracy: 1, format: 1, metrics: { matched: 1 } }),
};
const output = "The area is \\boxed{\\frac{1}{2}}.";
const expected = "0.5";
const scorer = autoevalsScorer(verifier);
const evalite = evaliteScorer(verifier).scorer;
const langsmith = langsmithEvaluator(verifier);
const { generateScore } = mastraSteps(verifier);
const promptfoo = promptfooAssertion(verifier);

const sides: Readonly<Record<string, () => unknown>> = {
  "the verifier itself": () => verifier.verify(output, { groundTruth: expected }),
  autoevals: () => scorer({ output, expected }),
  evalite: () => evalite({ output, expected }),
  langsmith: () => langsmith({ outputs: { answer: output }, referenceOutputs: { answer: expected } }),
  mastra: () => generateScore({ run: { output, groundTruth: expected } }),
  promptfoo: () => promptfoo(output, { vars: { expected } }),
};
const least = new Map<string, number>();
for (let round = 0; round < 5; round++)
  for (const [name, call] of Object.entries(sides)) {
    const start = performance.now();
    for (let i = 0; i < CALLS; i++) call();
    const each = ((performance.now() - start) * 1000) / CALLS;
    least.set(name, Math.min(each, least.get(name) ?? Infinity));
  }
const own = least.get("the verifier itself")!;
for (const [name, each] of least)
  console.log(`${name.padEnd(20)} ${each.toFixed(2)} µs${each === own ? "" : `, ${(each - own).toFixed(2)} over it`}`);
