/**
 * The verifier of a module in a worker of its own: one that hangs ends at its deadline, one that dies is started
 * again.
 */
import { AuditError } from "../audit-error";
import type { AuditJudge, AuditOutcome } from "../audit-types";
import { createIsolatedRewardSource } from "../../isolated/isolated-reward-source";
import type { VerifierModule } from "../../isolated/protocol";
import type { RewardOutcome } from "../../score-request";

/** Which verifier, and how it is run. */
export interface PoolJudgeOptions {
  /** The module. Default the built-in verifiers. */
  readonly module?: VerifierModule;
  /** The verifier's name, where the module has several. */
  readonly verifier?: string | undefined;
  /** Milliseconds that one call may take. Default 1000. */
  readonly deadlineMs?: number;
  /** Milliseconds that loading the module may take. Default 30,000. */
  readonly startMs?: number;
  /** More Node options for the worker. */
  readonly execArgv?: readonly string[];
}

/** A judge with what it holds. */
export interface OpenJudge {
  readonly judge: AuditJudge;
  /** The name of the verifier. */
  readonly verifier: string;
  close(): Promise<void>;
}

/**
 * Starts a worker with the verifier.
 *
 * @throws VerifierLoadError for a module that cannot be used, or does not end loading; AuditError for a verifier that
 * it does not have
 */
export async function createPoolJudge(options: PoolJudgeOptions = {}): Promise<OpenJudge> {
  const { module, deadlineMs = 1000, startMs = 30_000, execArgv = [] } = options;
  const source = await createIsolatedRewardSource({
    ...(module !== undefined && { verifiers: [module] }),
    workers: 1,
    maxSpareWorkers: 1,
    crashRetries: 0,
    deadlineMs,
    execArgv,
    startMs,
  });
  const { names } = source;
  const verifier = options.verifier ?? names[0] ?? "";
  if (!names.includes(verifier) || (options.verifier === undefined && names.length > 1)) {
    await source.close();
    throw new AuditError({
      what: names.includes(verifier) ? "The module has several verifiers." : "The module has no such verifier.",
      where: module?.module,
      expected: `one of ${names.join(", ")}`,
      found: options.verifier ?? "no name",
      fix: "name one with --verifier",
    });
  }
  const judge: AuditJudge = async (requests) => {
    const outcomes: AuditOutcome[] = [];
    const wanted = requests.map(({ response, gold, prompt, params }) => ({
      response,
      verifier,
      sample: {
        groundTruth: gold,
        ...(prompt !== undefined && { prompt }),
        ...(params !== undefined && { params }),
      },
    }));
    for await (const { index, ...outcome } of source.score(wanted)) outcomes[index] = asAudit(outcome as RewardOutcome);
    return outcomes;
  };
  return { judge, verifier, close: () => source.close() };
}

/** An outcome of a reward source as an audit sees it. */
export function asAudit(outcome: RewardOutcome): AuditOutcome {
  if (outcome.status === "scored") return { status: "scored", score: outcome.accuracy };
  if (outcome.status === "skipped") return outcome;
  const status = outcome.code === "timeout" || outcome.code === "crash" ? outcome.code : "error";
  return { status, reason: outcome.reason };
}
