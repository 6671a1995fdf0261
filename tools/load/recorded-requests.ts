/**
 * The 240 recorded `/judge` requests (tools/goldens/judge: three in five boxes, the others math) with what their reply
 * must be: the verdict of the same verifiers in this process.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import {
  scoreRequest,
  judgeReply,
  judgeRequestToSample,
  readJudgeRequest,
  scoreWireRequest,
  type RewardOutcome,
  type RewardRequest,
} from "@v-triune/rewards";
import builtinVerifiers from "@v-triune/rewards/builtin-verifiers";
import { createVerifierRegistry } from "@v-triune/verifiers";
import type { LoadRequest } from "./http-load";

const GOLDENS = resolve(import.meta.dirname, "../goldens/judge");
const recorded = ["average.json", "dynamic.json"].flatMap(
  (name) =>
    JSON.parse(readFileSync(resolve(GOLDENS, name), "utf8")) as {
      request: { reward_verifier: string; response: string };
    }[],
);
const registry = createVerifierRegistry(builtinVerifiers());

/** One recorded request, read, and its outcome here. */
export const judged: readonly { readonly request: RewardRequest; readonly outcome: RewardOutcome }[] = recorded.map(
  ({ request }) => {
    const read = judgeRequestToSample(readJudgeRequest(request));
    return { request: read, outcome: scoreRequest(registry, read) };
  },
);

/** `/judge` requests. */
export const judgeLoads: readonly LoadRequest[] = recorded.map(({ request }, index) => {
  const expected = judgeReply((judged[index] as (typeof judged)[number]).outcome);
  const text = JSON.stringify(expected.body);
  return {
    path: "/judge",
    kind: request.reward_verifier,
    body: Buffer.from(JSON.stringify(request)),
    check: (status, found) => status === expected.status && (status !== 200 || found === text),
  };
});

/** The i-th `/judge` request, round and round. */
export const pickJudge = (index: number): LoadRequest => judgeLoads[index % judgeLoads.length] as LoadRequest;

/** A `/judge` request of mathverify with another answer and gold answer. */
export function mathLoad(kind: string, solution: string, response: string, check: LoadRequest["check"]): LoadRequest {
  const base = recorded.find(({ request }) => request.reward_verifier === "mathverify")?.request;
  return { path: "/judge", kind, body: Buffer.from(JSON.stringify({ ...base, solution, response })), check };
}

/** A `/v1/score` request of `size` samples, answered by lines. */
export function scoreLoad(size: number): LoadRequest {
  const batch = Array.from({ length: size }, (_, index) => judged[index % judged.length] as (typeof judged)[number]);
  const words = batch.map(({ outcome }) => (outcome.status === "scored" ? outcome.reward : outcome.status));
  return {
    path: "/v1/score",
    kind: `batch of ${size}`,
    headers: { accept: "application/x-ndjson" },
    body: Buffer.from(JSON.stringify({ requests: batch.map(({ request }) => scoreWireRequest(request)) })),
    check(status, text) {
      if (status !== 200) return false;
      const lines = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { index: number; status: string; reward?: number });
      return (
        lines.length === size &&
        lines.every(({ index, status: word, reward }) => (word === "scored" ? reward : word) === words[index])
      );
    },
  };
}
