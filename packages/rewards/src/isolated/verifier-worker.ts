import { parentPort } from "node:worker_threads";
import { createVerifierRegistry, type VerifierRegistry } from "@v-triune/verifiers";
import { crashOutcome, judge, type RewardOutcome, type RewardRule } from "../judge-request";
import { loadVerifiers } from "./load-verifiers";
import { RunningMark, type FromWorker, type ToWorker, type WorkerTask } from "./protocol";

/** The inside of an isolated worker: a thread, or a process when there is no parent port. Nothing imports this file. */

const send: (message: FromWorker) => void =
  parentPort === null ? (message) => void process.send?.(message) : (message) => parentPort?.postMessage(message, []);
/** Results are sent together for this long, so that small samples do not pay for a message each. */
const GATHER_MS = 2;

let registry: VerifierRegistry | undefined;
let rule: RewardRule = {};
let mark: RunningMark | undefined;
let skippedThrough = 0;

async function receive(message: ToWorker): Promise<void> {
  if (message.type === "skip") skippedThrough = message.through;
  else if (message.type === "tasks") scoreTasks(message.tasks);
  else {
    try {
      registry = createVerifierRegistry(await loadVerifiers(message.setup.modules));
      rule = message.setup.rule;
      if (message.setup.mark !== undefined) mark = new RunningMark(message.setup.mark);
      send({ type: "ready", names: registry.names });
    } catch (error) {
      send({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }
}

function scoreTasks(tasks: readonly WorkerTask[]): void {
  let results: [number, RewardOutcome][] = [];
  let gatheredSince = performance.now();
  for (const { sequence, request } of tasks) {
    if (!begin(sequence)) continue;
    results.push([sequence, judgeSafely(request)]);
    mark?.end();
    if (performance.now() - gatheredSince < GATHER_MS) continue;
    send({ type: "results", results });
    results = [];
    gatheredSince = performance.now();
  }
  if (results.length > 0) send({ type: "results", results });
}

function begin(sequence: number): boolean {
  if (mark !== undefined) return mark.begin(sequence);
  if (sequence <= skippedThrough) return false;
  send({ type: "started", sequence });
  return true;
}

function judgeSafely(request: WorkerTask["request"]): RewardOutcome {
  try {
    return judge(registry as VerifierRegistry, request, rule);
  } catch (error) {
    return crashOutcome(error instanceof Error ? error.message : String(error));
  }
}

(parentPort ?? process).on("message", (message: ToWorker) => void receive(message));
