/** The inside of an isolated worker: a thread, or a process when there is no parent port. Nothing imports this file. */
import { parentPort } from "node:worker_threads";
import { VTriuneError, type ErrorDetails } from "@v-triune/errors";
import { createVerifierRegistry, type VerifierRegistry } from "@v-triune/verifiers";
import { crashOutcome, scoreRequest, type RewardOutcome, type RewardRule } from "../score-request";
import { loadVerifiers } from "./load-verifiers";
import { RunningMark, type FromWorker, type ToWorker, type WorkerSetup, type WorkerTask } from "./protocol";

/** Results are sent together for this long, so that small samples do not pay for a message each. */
const GATHER_MS = 2;

class VerifierWorker {
  readonly #send: (message: FromWorker) => void;
  #registry: VerifierRegistry = createVerifierRegistry([]);
  #rule: RewardRule = {};
  #mark: RunningMark | undefined;
  #skippedThrough = 0;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  async receive(message: ToWorker): Promise<void> {
    if (message.type === "skip") this.#skippedThrough = message.through;
    else if (message.type === "tasks") this.#score(message.tasks);
    else await this.#setUp(message.setup);
  }

  async #setUp({ modules, rule, mark }: WorkerSetup): Promise<void> {
    try {
      this.#registry = createVerifierRegistry(await loadVerifiers(modules));
      this.#rule = rule;
      if (mark !== undefined) this.#mark = new RunningMark(mark);
      this.#send({ type: "ready", names: this.#registry.names });
    } catch (error) {
      this.#send({ type: "failed", error: loadFailure(error) });
    }
  }

  #score(tasks: readonly WorkerTask[]): void {
    let results: [number, RewardOutcome][] = [];
    let gatheredSince = performance.now();
    for (const { sequence, request } of tasks) {
      if (!this.#begin(sequence)) continue;
      results.push([sequence, this.#outcomeOf(request)]);
      this.#mark?.end();
      if (performance.now() - gatheredSince < GATHER_MS) continue;
      this.#send({ type: "results", results });
      results = [];
      gatheredSince = performance.now();
    }
    if (results.length > 0) this.#send({ type: "results", results });
  }

  /** Announces that a sample runs. @returns false if it must be skipped */
  #begin(sequence: number): boolean {
    if (this.#mark !== undefined) return this.#mark.begin(sequence);
    if (sequence <= this.#skippedThrough) return false;
    this.#send({ type: "started", sequence });
    return true;
  }

  #outcomeOf(request: WorkerTask["request"]): RewardOutcome {
    try {
      return scoreRequest(this.#registry, request, this.#rule);
    } catch (error) {
      return crashOutcome(error instanceof Error ? error.message : String(error));
    }
  }
}

function loadFailure(error: unknown): ErrorDetails {
  if (VTriuneError.isInstance(error)) return error.details;
  return { what: "The verifiers cannot be loaded.", found: error instanceof Error ? error.message : String(error) };
}

const worker = new VerifierWorker(
  parentPort === null ? (message) => void process.send?.(message) : (message) => parentPort?.postMessage(message, []),
);
(parentPort ?? process).on("message", (message: ToWorker) => void worker.receive(message));
