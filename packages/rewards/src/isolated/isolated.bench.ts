/**
 * Verdicts per second through a reward source, on the 240 recorded requests (three in five are boxes, the others math):
 *
 *     npm run bench -- isolated
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { createVerifierRegistry } from "@v-triune/verifiers";
import builtinVerifiers from "../builtin-verifiers";
import { judgeRequestToSample, readJudgeRequest } from "../judge-contract";
import { createLocalRewardSource } from "../local-reward-source";
import type { RewardSource } from "../reward-source";
import { createIsolatedRewardSource } from "./isolated-reward-source";

const GOLDENS = resolve(import.meta.dirname, "../../../../tools/goldens/judge");
const recorded = ["average.json", "dynamic.json"].flatMap(
  (name) => JSON.parse(readFileSync(resolve(GOLDENS, name), "utf8")) as { request: unknown }[],
);
const requests = recorded.map(({ request }) => judgeRequestToSample(readJudgeRequest(request)));

async function verdictsPerSecond(source: RewardSource, count: number): Promise<number> {
  const stream = function* () {
    for (let i = 0; i < count; i++) yield requests[i % requests.length] as (typeof requests)[number];
  };
  let best = 0;
  for (let round = 0; round < 4; round++) {
    const started = performance.now();
    let answered = 0;
    for await (const { status } of source.score(stream())) if (status !== "error") answered++;
    if (answered !== count) throw new Error(`${count - answered} of ${count} requests were not judged`);
    best = Math.max(best, (count / (performance.now() - started)) * 1000);
  }
  return best;
}

const print = (name: string, value: number, unit: string) =>
  console.log(`${name}: ${Math.round(value).toLocaleString("en-US")} ${unit}`);

print(
  "in this process",
  await verdictsPerSecond(createLocalRewardSource(createVerifierRegistry(builtinVerifiers())), 5000),
  "verdicts/s",
);
for (const workers of new Set([1, Math.max(1, availableParallelism() - 1), availableParallelism()])) {
  const started = performance.now();
  const source = await createIsolatedRewardSource({ workers });
  const ready = performance.now() - started;
  await verdictsPerSecond(source, 2000);
  print(
    `${workers} isolated worker${workers === 1 ? "" : "s"}`,
    await verdictsPerSecond(source, 10_000),
    `verdicts/s, ready in ${Math.round(ready)} ms`,
  );
  await source.close();
}
