/**
 * `composite`: one verdict of several verifiers.
 *
 *     all        the lowest accuracy and format of the parts
 *     any        the highest
 *     weighted   Σ weight · part / Σ weight
 *
 * A part that is skipped or fails decides for all of them, error before skip, so that nothing half judged is scored.
 * Under `any` a part that cannot read the gold answer takes no part, whatever the response, so that right and wrong
 * answers are judged by the same parts; and where a part scored 1 the failure of another does not matter, unless the
 * sample's parameters are at fault. An undecided part counts 0 and makes the whole undecided. Metrics carry the part's
 * name: `text/exact`.
 */
import type { ParamsIssue } from "../standard-schema";
import { paramsSchema } from "../standard-schema";
import type { Verdict, Verifier, VerifierSample } from "../verifier";

/** One verifier of a composite. */
export interface CompositePart {
  readonly verifier: Verifier;
  /** For `weighted`; default 1. */
  readonly weight?: number;
  /** Parameters that this part has for every sample; they go before the sample's own. */
  readonly params?: Readonly<Record<string, unknown>>;
}

/** How the parts make one verdict. */
export interface CompositeOptions {
  readonly name: string;
  readonly mode: "all" | "any" | "weighted";
  readonly parts: readonly CompositePart[];
}

/**
 * Makes a composite verifier.
 *
 * @throws RangeError when there is no part, two parts share a name, or a weight is negative or all are 0
 * @example createCompositeVerifier({ name: "caption", mode: "weighted", parts: [{ verifier: text, weight: 3 }, { verifier: choice }] })
 */
export function createCompositeVerifier({ name, mode, parts }: CompositeOptions): Verifier {
  if (parts.length === 0)
    throw new RangeError(`createCompositeVerifier: ${JSON.stringify(name)} has no parts; give at least one`);
  const names = parts.map(({ verifier }) => verifier.name);
  const repeated = names.find((part, index) => names.indexOf(part) !== index);
  if (repeated !== undefined)
    throw new RangeError(
      `createCompositeVerifier: two parts of ${JSON.stringify(name)} are named ${JSON.stringify(repeated)}; give one another name`,
    );
  const weights = parts.map(({ weight = 1 }) => weight);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (weights.some((weight) => !(weight >= 0)) || !(sum > 0 && Number.isFinite(sum)))
    throw new RangeError(
      `createCompositeVerifier: the weights of ${JSON.stringify(name)} are ${weights.join(", ")}; numbers of at least 0 expected, one above 0`,
    );

  const combine = (values: readonly number[]): number => {
    if (mode === "weighted")
      return values.reduce((total, value, index) => total + value * (weights[index] as number), 0) / sum;
    return mode === "all" ? Math.min(...values) : Math.max(...values);
  };
  return {
    name,
    params: paramsSchema((value) => {
      const issues = parts.flatMap(({ verifier, params }) =>
        checkPart(verifier, { ...(value as object | undefined), ...params }),
      );
      return issues.length > 0 ? { issues } : { value };
    }),
    verify(response: string, sample: VerifierSample): Verdict {
      const verdicts = parts.map(({ verifier, params }) =>
        verifier.verify(
          response,
          params === undefined ? sample : { ...sample, params: { ...sample.params, ...params } },
        ),
      );
      const scored = verdicts.filter((verdict) => verdict.status === "scored");
      const settled = mode === "any" && scored.some(({ accuracy }) => accuracy === 1);
      const at = decisive(verdicts, mode, settled);
      if (at !== -1) {
        const { status, reason, ...more } = verdicts[at] as Exclude<Verdict, { status: "scored" }>;
        return { status, reason: `${names[at]}: ${reason}`, ...more } as Verdict;
      }
      const metrics: Record<string, number> = {};
      for (const [index, verdict] of verdicts.entries()) {
        if (verdict.status !== "scored") continue;
        metrics[`${names[index]}/accuracy`] = verdict.accuracy;
        for (const [metric, value] of Object.entries(verdict.metrics)) metrics[`${names[index]}/${metric}`] = value;
      }
      const isUndecided = !settled && scored.some(({ reason }) => reason === "undecided");
      return {
        status: "scored",
        accuracy: combine(scored.map(({ accuracy }) => accuracy)),
        format: combine(scored.map(({ format }) => format)),
        metrics,
        ...(isUndecided && { reason: "undecided" }),
      };
    },
  };
}

/** The part that keeps the whole from being scored, or -1. */
function decisive(verdicts: readonly Verdict[], mode: CompositeOptions["mode"], settled: boolean): number {
  const find = (is: (verdict: Verdict) => boolean): number => verdicts.findIndex(is);
  const failed = find((verdict) => verdict.status === "error" && (!settled || verdict.code === "params"));
  if (failed !== -1) return failed;
  const isUnread = mode !== "any" || verdicts.every(({ status }) => status === "skipped");
  return isUnread ? find(({ status }) => status === "skipped") : -1;
}

/** The issues of one part; a schema that answers later cannot be waited for here and counts as content. */
function checkPart(verifier: Verifier, params: unknown): readonly ParamsIssue[] {
  const result = verifier.params?.["~standard"].validate(params);
  if (result === undefined || result instanceof Promise) return [];
  return (
    result.issues?.map(({ message, path }) => ({
      message: `${verifier.name}: ${message}`,
      ...(path !== undefined && { path }),
    })) ?? []
  );
}
