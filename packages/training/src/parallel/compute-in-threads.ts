/**
 * What computes a run by this thread and others. The numbers are the same to the bit as in one thread: a row's tokens
 * and log-probabilities do not depend on its neighbors, and gradients are added in the order of the micro-batches,
 * which does not depend on the number of threads (wasm; docs/decisions).
 *
 * This thread takes its share, so two workers are this thread and one more. Weights reach the others through shared
 * memory under a version that they check. A thread that is lost costs its work: the others compute it again.
 */
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { withOutOfMemory } from "@v-triune/backend";
import { type TopTokens, type TrainingRow, type UpdatePlan, type UpdateStats, joinParts } from "@v-triune/grpo";
import type { EndedTurn, GeneratedCompletion, TokenizedRollout, VisualInput } from "@v-triune/policy";
import { type PreparedPrompt, type RolloutEngine, type SamplingRequest, samplingOptions } from "@v-triune/rollouts";
import { errorFromPlain } from "../threads/plain-error";
import { PromptSharing } from "../threads/shared-prompts";
import type { Compute } from "../update/compute";
import { ComputeHere, trained } from "./compute-here";
import type { ComputeOptions } from "./compute-options";
import type { ComputedPart } from "./compute-protocol";
import { ComputeWorker, ThreadLostError } from "./compute-worker";
import { SharedGradients, SharedWeights } from "./shared-tensors";

type Given = Parameters<ComputeWorker["ask"]>[1];

export class ComputeInThreads implements Compute {
  readonly engine: RolloutEngine;
  readonly #options: ComputeOptions;
  readonly #here: ComputeHere;
  readonly #weights: SharedWeights;
  readonly #gradients: SharedGradients;
  #workers: ComputeWorker[];
  /** Updates that the published weights have seen. */
  #published: number | undefined;
  #sleepers: (() => void)[] = [];

  /** @param threads that run compute-thread.ts */
  constructor(options: ComputeOptions, threads: readonly Worker[]) {
    const { policy, config, backend, foreignLogProbs = false } = options;
    this.#options = options;
    this.#here = new ComputeHere(options);
    this.#weights = new SharedWeights(policy.parameters);
    this.#gradients = new SharedGradients(policy.parameters);
    const setup = {
      backend,
      config,
      foreignLogProbs,
      policy: policy.snapshot(),
      weights: this.#weights.memory,
      gradients: this.#gradients.memory,
    };
    this.#workers = threads.map((thread) => new ComputeWorker(thread, setup, () => this.#wake()));
    this.engine = {
      name: this.#here.engine.name,
      continuesTurns: true,
      generate: (prompts, request) => this.#generate(prompts, request),
    };
  }

  async ready(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ready()));
  }

  logProbs(rows: readonly TokenizedRollout[]): Promise<Float32Array[]> {
    return this.#shareRows(
      rows,
      (own) => this.#here.logProbs(own),
      async (worker, own, given) => [...(await worker.ask({ type: "log-probs", rows: own }, given).result).values],
    );
  }

  topTokens(rows: readonly TokenizedRollout[], count: number): Promise<TopTokens[]> {
    return this.#shareRows(
      rows,
      (own) => this.#here.topTokens(own, count),
      async (worker, own, given) => [
        ...(await worker.ask({ type: "top-tokens", rows: own, count }, given).result).values,
      ],
    );
  }

  /** Something of each row without a gradient, rows of one prompt by one thread. */
  async #shareRows<Value>(
    rows: readonly TokenizedRollout[],
    here: (rows: readonly TokenizedRollout[]) => Promise<Value[]>,
    there: (worker: ComputeWorker, rows: readonly TokenizedRollout[], given: Given) => Promise<Value[]>,
  ): Promise<Value[]> {
    const workers = this.#alive();
    if (workers.length === 0 || rows.length < 2) return here(rows);
    const groups = [...new Set(rows.map(({ group }) => group))];
    const owner = (row: TokenizedRollout): number => groups.indexOf(row.group) % (workers.length + 1);
    const shares = Array.from({ length: workers.length + 1 }, (_, part) =>
      [...rows.keys()].filter((i) => owner(rows[i] as TokenizedRollout) === part),
    );
    const jobs = workers.map((worker, i) => {
      const sharing = new PromptSharing(this.#options.policy);
      const own = (shares[i + 1] as number[]).map((index) => sharing.prompt(rows[index] as TokenizedRollout));
      const job = there(worker, own, { version: this.#publish(), features: sharing.features });
      // It is looked at when this thread's part is done; until then a rejection counts as handled.
      job.catch(() => undefined);
      return job;
    });
    const pick = (indexes: readonly number[]): TokenizedRollout[] =>
      indexes.map((index) => rows[index] as TokenizedRollout);
    const found = [await here(pick(shares[0] as number[]))];
    for (const [i, job] of jobs.entries())
      found.push(await job.catch((error: unknown) => this.#ifLost(error, () => here(pick(shares[i + 1] as number[])))));
    const byRow = new Map<number, Value>();
    shares.forEach((indexes, part) =>
      indexes.forEach((index, at) => byRow.set(index, (found[part] as Value[])[at] as Value)),
    );
    return rows.map((_, index) => byRow.get(index) as Value);
  }

  async update(rows: readonly TrainingRow<TokenizedRollout>[]): Promise<UpdateStats> {
    const plan = trained(this.#options.learner).parts.plan(rows);
    for (;;) {
      const workers = this.#alive();
      if (workers.length === 0) return this.#here.update(rows);
      try {
        return await this.#sharedUpdate(plan, workers);
      } catch (error) {
        // Nothing was applied, so the others can do all of it again.
        if (!(error instanceof ThreadLostError)) throw error;
      }
    }
  }

  async close(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    await Promise.all(workers.map((worker) => worker.close()));
  }

  async #sharedUpdate(plan: UpdatePlan<TokenizedRollout>, workers: readonly ComputeWorker[]): Promise<UpdateStats> {
    const { policy, backend } = this.#options;
    const learner = trained(this.#options.learner);
    const gradients = this.#gradients;
    const numbered = [...plan.microBatches.entries()];
    const share = (part: number) => numbered.filter(([index]) => index % (workers.length + 1) === part);
    gradients.begin();
    const jobs = workers.map((worker, i) => {
      const sharing = new PromptSharing(policy);
      const microBatches = share(i + 1).map(
        ([index, batch]) => [index, batch.map((row) => ({ ...row, row: sharing.prompt(row.row) }))] as const,
      );
      const { counts, step } = plan;
      return worker.ask(
        { type: "gradients", plan: { counts, step }, microBatches },
        { version: this.#publish(), features: sharing.features },
      ).result;
    });
    // A job that fails as a whole would leave the others waiting for its turns.
    for (const job of jobs) {
      job.catch(() => {
        gradients.fail(-1);
        this.#wake();
      });
    }
    const parts: ComputedPart[] = [];
    const failures: [number, unknown][] = [];
    for (const [index, batch] of share(0)) {
      try {
        const { gradients: own, ...part } = withOutOfMemory({ backend }, () => learner.parts.microBatch(batch, plan));
        while (!gradients.isTurn(index) && !gradients.isCanceled(index)) await this.#message();
        const added = !gradients.isCanceled(index);
        if (added) gradients.add(index, own);
        for (const gradient of own.values()) gradient.dispose();
        if (!added) break;
        parts.push([index, part]);
        await setImmediate();
      } catch (error) {
        gradients.fail(index);
        failures.push([index, error]);
        break;
      }
    }
    for (const outcome of await Promise.allSettled(jobs)) {
      if (outcome.status === "rejected") failures.push([-1, outcome.reason]);
      else {
        parts.push(...outcome.value.parts);
        if (outcome.value.failed) failures.push([outcome.value.failed[0], errorFromPlain(outcome.value.failed[1])]);
      }
    }
    // The first in the order of the plan, which is the one that a single thread meets.
    if (failures.length > 0) throw failures.sort(([a], [b]) => a - b)[0]?.[1];
    const inOrder = parts.sort(([a], [b]) => a - b).map(([, part]) => part);
    return withOutOfMemory({ backend }, () =>
      learner.parts.apply(learner.parts.complete(plan, joinParts(gradients.tensors(), inOrder))),
    );
  }

  async *#generate(prompts: readonly PreparedPrompt[], request: SamplingRequest): AsyncGenerator<GeneratedCompletion> {
    const { policy } = this.#options;
    const { signal, nextTurn } = request;
    signal?.throwIfAborted();
    if (prompts.length === 0) return;
    const workers = this.#alive();
    const parts = Math.min(workers.length + 1, prompts.length);
    const shares = Array.from({ length: parts }, (_, part) =>
      [...prompts.keys()].filter((index) => index % parts === part),
    );
    const stop = new AbortController();
    const found: GeneratedCompletion[] = [];
    const delivered = new Set<string>();
    const take =
      (numbers: readonly number[]) =>
      (completion: GeneratedCompletion): void => {
        const promptIndex = numbers[completion.promptIndex] as number;
        const key = `${promptIndex}/${completion.sampleIndex}`;
        // Prompts of a thread that was lost are answered again from the start.
        if (delivered.has(key)) return;
        delivered.add(key);
        found.push({ ...completion, promptIndex });
        this.#wake();
      };
    const here = async (numbers: readonly number[]): Promise<void> => {
      const own = numbers.map((number) => prompts[number] as PreparedPrompt);
      const takeOwn = take(numbers);
      for await (const completion of policy.generate(own, {
        ...samplingOptions(request),
        ...(nextTurn ? { nextTurn: (turn) => nextTurn(ofAll(turn, numbers)) } : {}),
        promptNumbers: numbers,
        signal: stop.signal,
      }))
        takeOwn(completion);
    };
    const state: { running: number; failure?: { error: unknown } } = { running: 0 };
    const jobs = workers.slice(0, parts - 1).map((worker, i) => {
      const numbers = shares[i + 1] as number[];
      const sharing = new PromptSharing(policy);
      const own = numbers.map((number) => {
        const { promptIds, images } = sharing.prompt(prompts[number] as PreparedPrompt);
        return { promptIds, ...(images ? { images } : {}) };
      });
      const takeIts = take(numbers);
      const told: (readonly VisualInput[])[] = [];
      const { result, cancel, tell } = worker.ask(
        {
          type: "generate",
          prompts: own,
          options: { ...samplingOptions(request), promptNumbers: numbers },
          asksTurns: nextTurn !== undefined,
        },
        { version: this.#publish(), features: sharing.features },
        (message) => {
          if (message.type === "completions") message.completions.forEach(takeIts);
          if (message.type === "turn-ended") void tellNext(message.question, message.turn);
        },
      );
      const tellNext = async (question: number, turn: EndedTurn): Promise<void> => {
        try {
          const continuation = await nextTurn?.(ofAll(turn, numbers));
          told[question] = continuation?.pictures ?? [];
          const pictures = new PromptSharing(policy);
          tell({
            question,
            continuation: continuation && {
              ...continuation,
              pictures: told[question].map((picture) => pictures.picture(picture)),
            },
            features: pictures.features,
          });
        } catch (error) {
          state.failure ??= { error };
          cancel();
          this.#wake();
        }
      };
      const done = result.then(
        ({ features, shown }) => {
          for (const [question, index, values] of shown) {
            const picture = told[question]?.[index];
            if (picture) policy.rememberFeatures(picture, values);
          }
          for (const [index, values] of features) {
            const { images } = prompts[numbers[index] as number] as PreparedPrompt;
            if (images) policy.rememberFeatures(images, values);
          }
        },
        (error: unknown) => this.#ifLost(error, () => here(numbers)),
      );
      return { done, cancel };
    });
    const watch = (done: Promise<void>): void => {
      state.running += 1;
      void done
        .catch((error: unknown) => (state.failure ??= { error }))
        .finally(() => {
          state.running -= 1;
          this.#wake();
        });
    };
    const end = (): void => {
      stop.abort();
      for (const { cancel } of jobs) cancel();
      this.#wake();
    };
    signal?.addEventListener("abort", end, { once: true });
    try {
      for (const { done } of jobs) watch(done);
      if (shares[0]) watch(here(shares[0]));
      for (;;) {
        for (let next = found.shift(); next; next = found.shift()) yield next;
        signal?.throwIfAborted();
        if (state.failure) throw state.failure.error;
        if (state.running === 0) return;
        await this.#message();
      }
    } finally {
      signal?.removeEventListener("abort", end);
      end();
      // Decoders hold memory until their loops have seen the signal.
      while (state.running > 0) await this.#message();
    }
  }

  #alive(): ComputeWorker[] {
    const alive = this.#workers.filter((worker) => !worker.isLost);
    const lost = this.#workers.length - alive.length;
    if (lost > 0) {
      this.#workers = alive;
      this.#options.onProblem(
        `${lost === 1 ? "A computing thread has" : `${lost} computing threads have`} ended; the run goes on with ` +
          `${alive.length + 1}, more slowly and with the same results.`,
      );
    }
    return alive;
  }

  async #ifLost<Result>(error: unknown, instead: () => Promise<Result>): Promise<Result> {
    if (error instanceof ThreadLostError) return instead();
    throw error;
  }

  /** Gives the threads the present weights, unless they have them. @returns their version */
  #publish(): number {
    const version = this.#options.learner?.step ?? 0;
    if (this.#published !== version) this.#weights.publish(version);
    this.#published = version;
    return version;
  }

  /** Resolves at the next thing that a thread says. */
  #message(): Promise<void> {
    return new Promise((resolve) => void this.#sleepers.push(resolve));
  }

  #wake(): void {
    const sleepers = this.#sleepers;
    this.#sleepers = [];
    for (const resolve of sleepers) resolve();
  }
}

/** A turn of a share of the prompts, by their numbers among all. */
const ofAll = (turn: EndedTurn, numbers: readonly number[]): EndedTurn => ({
  ...turn,
  promptIndex: numbers[turn.promptIndex]!,
});
