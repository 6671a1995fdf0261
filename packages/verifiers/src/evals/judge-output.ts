/** What every adapter does: the output of a task and the expected value as texts, and the verdict as a score. */
import { VTriuneError } from "@v-triune/errors";
import type { Verdict, Verifier } from "../verifier";

/** How an adapter calls its verifier. */
export interface ScorerOptions {
  /** The name of the score. Default the verifier's. */
  readonly name?: string;
  /** The parameters of the verifier, the same for all samples. */
  readonly params?: Readonly<Record<string, unknown>>;
}

/** A verdict as evaluation frameworks see it. */
export interface JudgedOutput {
  /** The accuracy in [0, 1]; null where there is no verdict, which is not a 0. */
  readonly score: number | null;
  /** Why there is no verdict, or that the limits ended the judging. */
  readonly reason?: string;
  /** The status, the reason and the verifier's own metrics. */
  readonly metadata: Readonly<Record<string, string | number>>;
}

/** A framework needs a number, and the verifier gives no verdict: the expected value is bad, or the parameters are. */
export class NoVerdictError extends VTriuneError {
  override readonly name = "NoVerdictError";
}

/** Judges what a task put out against what was expected. */
export function judgeOutput(
  verifier: Verifier,
  { output, expected }: { readonly output: unknown; readonly expected: unknown },
  { params }: ScorerOptions = {},
): JudgedOutput {
  const gold = expected ?? undefined;
  const verdict: Verdict =
    gold === undefined
      ? { status: "skipped", reason: "there is no expected value" }
      : verifier.verify(textOf(output), { groundTruth: textOf(gold), ...(params !== undefined && { params }) });
  if (verdict.status !== "scored")
    return {
      score: null,
      reason: verdict.reason,
      metadata: { status: verdict.status, reason: verdict.reason },
    };
  const { accuracy, metrics, reason } = verdict;
  return {
    score: accuracy,
    ...(reason !== undefined && { reason }),
    metadata: { status: "scored", ...metrics, ...(reason !== undefined && { reason }) },
  };
}

/** The score, for frameworks that take numbers only. @throws NoVerdictError where there is none */
export function scoreOf(verifier: Verifier, { score, reason, metadata }: JudgedOutput): number {
  if (score !== null) return score;
  throw new NoVerdictError({
    what: `The verifier ${verifier.name} gives no verdict.`,
    found: `${metadata["status"]}: ${reason}`,
    fix: "fix the expected value or the params, or leave the sample out",
  });
}

/** A text as it is; the text of the last message of a conversation; anything else as JSON. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return "";
  if (!Array.isArray(value)) return messageText(value) ?? JSON.stringify(value) ?? "";
  const texts = value.map(messageText);
  const last = value.findLastIndex(
    (item: unknown, index) => texts[index] !== undefined && (item as { role?: unknown }).role !== "user",
  );
  return texts[last] ?? JSON.stringify(value);
}

/** The text of a message: its content as text, as parts, or as an object that has them. */
function messageText(message: unknown): string | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { role, content, text } = message as { role?: unknown; content?: unknown; text?: unknown };
  if (role === undefined && typeof text === "string" && Object.keys(message).length === 1) return text;
  if (typeof content === "string") return content;
  const parts: unknown = Array.isArray(content) ? content : (content as { parts?: unknown } | undefined)?.parts;
  if (!Array.isArray(parts)) return undefined;
  return parts
    .map((part: unknown) => {
      const { text: found } = (part ?? {}) as { text?: unknown };
      return typeof part === "string" ? part : typeof found === "string" ? found : "";
    })
    .join("");
}
