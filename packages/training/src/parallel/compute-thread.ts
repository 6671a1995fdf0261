/**
 * A computing thread: a replica of the policy on a backend of its own, which takes its part of each update's
 * micro-batches and of each generation's prompts. Nothing imports this file.
 */
import { parentPort } from "node:worker_threads";
import { selectBackend, withOutOfMemory } from "@v-triune/backend";
import { type Learner, createLearner } from "@v-triune/grpo";
import {
  type EndedTurn,
  type GeneratedCompletion,
  type TokenizedRollout,
  type TurnContinuation,
  type VisualInput,
  type VlmPolicy,
  createReplica,
} from "@v-triune/policy";
import { learnerConfig } from "../update/learner-config";
import type { ComputedPart, ComputeJob, ComputeSetup, FromComputeThread, ToComputeThread } from "./compute-protocol";
import { plainError } from "../threads/plain-error";
import { inSharedMemory } from "../threads/shared-prompts";
import { SharedGradients, SharedWeights } from "./shared-tensors";

const port = parentPort;
if (!port) throw new Error("compute-thread runs as a thread only");
const send = (message: FromComputeThread): void => port.postMessage(message, []);

class Replica {
  readonly policy: VlmPolicy;
  readonly #weights: SharedWeights;
  readonly #gradients: SharedGradients;
  #learner: Learner<TokenizedRollout> | undefined;
  #version: number | undefined;

  constructor(readonly setup: ComputeSetup) {
    this.policy = createReplica(setup.policy);
    this.#weights = new SharedWeights(this.policy.parameters, setup.weights);
    this.#gradients = new SharedGradients(this.policy.parameters, setup.gradients);
  }

  /** Only threads that train need one; an evaluation has nothing to train. */
  get learner(): Learner<TokenizedRollout> {
    return (this.#learner ??= createLearner(learnerConfig(this.setup.config, this.policy, this.setup.foreignLogProbs)));
  }

  useWeights(version: number): void {
    if (this.#version === version) return;
    this.#weights.load(version);
    this.#version = version;
  }

  gradients(job: number, { plan, microBatches }: Extract<ComputeJob, { type: "gradients" }>): void {
    const parts: ComputedPart[] = [];
    for (const [index, rows] of microBatches) {
      if (this.#gradients.isCanceled(index)) break;
      try {
        const { gradients, ...part } = withOutOfMemory({ backend: this.setup.backend }, () =>
          this.learner.parts.microBatch(rows, plan),
        );
        const added = this.#gradients.waitForTurn(index);
        if (added) this.#gradients.add(index, gradients);
        for (const gradient of gradients.values()) gradient.dispose();
        if (!added) break;
        parts.push([index, part]);
        send({ type: "turn" });
      } catch (error) {
        this.#gradients.fail(index);
        return send({ type: "gradients", job, parts, failed: [index, plainError(error)] });
      }
    }
    send({ type: "gradients", job, parts });
  }

  async generate(
    job: number,
    { prompts, options, asksTurns }: Extract<ComputeJob, { type: "generate" }>,
    signal: AbortSignal,
  ): Promise<void> {
    let ended: GeneratedCompletion[] = [];
    let sending: NodeJS.Immediate | undefined;
    const flush = (): void => {
      sending = undefined;
      if (ended.length > 0) send({ type: "completions", job, completions: ended });
      ended = [];
    };
    const asked = asksTurns ? { nextTurn: (turn: EndedTurn) => askNextTurn(job, turn) } : {};
    for await (const completion of this.policy.generate(prompts, { ...options, ...asked, signal })) {
      ended.push(completion);
      // Completions that end at the same token go together.
      sending ??= setImmediate(flush);
    }
    clearImmediate(sending);
    flush();
    const features = prompts.flatMap(({ images }, index) => {
      const values = images && this.policy.knownFeatures(images);
      return values ? [[index, inSharedMemory(values)] as const] : [];
    });
    const shown = [...(answered.get(job) ?? [])].flatMap(([question, pictures]) =>
      pictures.flatMap((input, index) => {
        const values = this.policy.knownFeatures(input);
        return values ? [[question, index, inSharedMemory(values)] as const] : [];
      }),
    );
    send({ type: "generated", job, features, shown });
  }
}

// oxlint-disable-next-line v-triune/module-state -- the state of one thread; nothing imports this file
let replica: Replica | undefined;
// oxlint-disable-next-line v-triune/module-state -- as above
let busy: Promise<void> = Promise.resolve();
const running = new Map<number, AbortController>();
/** Turns that the run's thread was asked about: who waits, and the pictures of what followed. */
const questions = new Map<number, (continuation: TurnContinuation | undefined) => void>();
const answered = new Map<number, Map<number, readonly VisualInput[]>>();

function askNextTurn(job: number, turn: EndedTurn): Promise<TurnContinuation | undefined> {
  const asked = answered.get(job) ?? new Map<number, readonly VisualInput[]>();
  answered.set(job, asked);
  const question = asked.size;
  asked.set(question, []);
  return new Promise((resolve) => {
    questions.set(question, resolve);
    send({ type: "turn-ended", job, question, turn });
  });
}

function hear({ job, question, continuation, features }: Extract<ToComputeThread, { type: "continuation" }>): void {
  for (const [input, values] of features) replica?.policy.rememberFeatures(input, values);
  answered.get(job)?.set(question, continuation?.pictures ?? []);
  questions.get(question)?.(continuation);
  questions.delete(question);
}

async function work({ job, version, features, work }: Extract<ToComputeThread, { work: ComputeJob }>): Promise<void> {
  try {
    if (!replica) throw new Error("the thread was given work before its setup");
    replica.useWeights(version);
    for (const [input, values] of features) replica.policy.rememberFeatures(input, values);
    if (work.type === "gradients") replica.gradients(job, work);
    else if (work.type === "log-probs") send({ type: "log-probs", job, values: replica.learner.logProbs(work.rows) });
    else if (work.type === "top-tokens")
      send({ type: "top-tokens", job, values: replica.learner.topTokens(work.rows, work.count) });
    else await replica.generate(job, work, (running.get(job) as AbortController).signal);
  } catch (error) {
    send({ type: "failed", job, error: plainError(error) });
  } finally {
    running.delete(job);
    // Jobs come one after another: all questions are this one's.
    answered.delete(job);
    questions.clear();
  }
}

port.on("message", (message: ToComputeThread) => {
  if ("work" in message) {
    running.set(message.job, new AbortController());
    busy = busy.then(() => work(message));
  } else if (message.type === "cancel") running.get(message.job)?.abort();
  else if (message.type === "continuation") hear(message);
  else {
    busy = (async () => {
      await selectBackend({ prefer: message.setup.backend });
      replica = new Replica(message.setup);
      send({ type: "ready" });
    })();
  }
});
