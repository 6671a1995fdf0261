import { createDetectionVerifier, createVerifierRegistry, type Verifier } from "@v-triune/verifiers";
import { ParityRows, type ParityRow } from "@v-triune/verifiers/parity";
import { judgeAsOriginal } from "../judge-contract";

/** Requests and the original server's replies, as tools/goldens/judge/generate.py writes them. */
export type JudgeFile = readonly {
  readonly request: Readonly<Record<string, unknown>>;
  readonly reply: { readonly rewards: Readonly<Record<string, number>> };
}[];

/** Whether parsed JSON has the layout of {@link JudgeFile}. */
export function isJudgeFile(value: unknown): value is JudgeFile {
  const first = (Array.isArray(value) ? value[0] : undefined) as
    | { request?: { reward_verifier?: unknown }; reply?: unknown }
    | undefined;
  return first?.request?.reward_verifier !== undefined && first.reply !== undefined;
}

/**
 * The IoU threshold that a file was made with, from its name: `dynamic.json`, `judge-average-2.json`; a number such as
 * `0.5.json` too.
 */
export function thresholdOfJudgeFile(path: string): "average" | "dynamic" | number {
  const name = path.split(/[/\\]/).at(-1) ?? "";
  if (name.includes("dynamic")) return "dynamic";
  const number = Number(/0\.\d+/.exec(name)?.[0]);
  return number > 0 ? number : "average";
}

/** What a comparison may leave to its caller. */
export interface JudgeParityOptions {
  readonly threshold: "average" | "dynamic" | number;
  /** Further verifiers, above all `mathverify`. Requests for verifiers that are missing here count as differences. */
  readonly verifiers: readonly Verifier[];
}

/** Compares {@link judgeAsOriginal} with every number of a file; a key too many or too few is Infinity. */
export function judgeParity(file: JudgeFile, { threshold, verifiers }: JudgeParityOptions): ParityRow[] {
  const registry = createVerifierRegistry([
    createDetectionVerifier({ compat: true, epsilon: threshold }),
    ...verifiers,
  ]);
  const rows = new ParityRows(1e-9);
  for (const [index, { request, reply }] of file.entries()) {
    const found = judgeAsOriginal(registry, request).rewards;
    const where = `request ${index} (${String(request["reward_verifier"])})`;
    for (const key of new Set([...Object.keys(reply.rewards), ...Object.keys(found)]))
      rows.compare(key, found[key], reply.rewards[key], where);
  }
  return rows.result();
}
