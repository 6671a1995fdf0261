import { ContentError, goldText, type RewardRequest } from "@v-triune/rewards";
import { invalidField, unreadableSample } from "../http/refusal-error";

/**
 * What a trainer's `label` says about its sample. Trainers carry one string per sample: the gold answer itself, or the
 * sample's `reward_model` in Orsta's layout (verifier, ground_truth, verifier_parm, accuracy_ratio, format_ratio) as
 * JSON text or as an object.
 *
 * @throws RefusalError 400 when the gold answer is missing or a ratio is not a number of at least 0
 */
export function sampleOfLabel(
  { response, label, field, prompt }: LabeledResponse,
  defaultVerifier: string,
): RewardRequest {
  const model = asModel(label);
  const gold = goldOf(model === undefined ? label : (model["ground_truth"] ?? model["answer"]), field);
  if (model === undefined)
    return {
      response,
      verifier: defaultVerifier,
      sample: { groundTruth: gold, ...(prompt !== undefined && { prompt }) },
    };
  const verifier = model["verifier"] ?? defaultVerifier;
  if (typeof verifier !== "string") throw invalidField(`${field}.verifier`, `${field}.verifier: a string expected`);
  const params = asObject(model["verifier_parm"] ?? model["params"]);
  const dataSource = model["data_source"];
  return {
    response,
    verifier,
    sample: {
      groundTruth: gold,
      ...(prompt !== undefined && { prompt }),
      ...(typeof dataSource === "string" && { dataSource }),
      ...(params !== undefined && { params }),
    },
    accuracyRatio: ratio(model, "accuracy_ratio", field),
    formatRatio: ratio(model, "format_ratio", field),
  };
}

/** A response and what its trainer says of it. */
export interface LabeledResponse {
  readonly response: string;
  readonly label: unknown;
  /** Where the label is, for messages. */
  readonly field: string;
  readonly prompt: string | undefined;
}

function goldOf(value: unknown, field: string): string {
  if (typeof value === "number") return String(value);
  try {
    return goldText(value, field);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const { where, found } = error;
    throw unreadableSample(
      field,
      `${where}: the gold answer, or JSON text with ground_truth, expected, found ${found.slice(0, 60)}`,
    );
  }
}

/** A label that is a reward_model; undefined for a gold answer that happens to be JSON, for example a list of boxes. */
function asModel(label: unknown): Readonly<Record<string, unknown>> | undefined {
  const found = asObject(label);
  return found !== undefined && ("ground_truth" in found || "verifier" in found) ? found : undefined;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  let found = value;
  if (typeof value === "string" && value.trimStart().startsWith("{")) {
    try {
      found = JSON.parse(value) as unknown;
    } catch {
      return undefined;
    }
  }
  return typeof found === "object" && found !== null && !Array.isArray(found)
    ? (found as Record<string, unknown>)
    : undefined;
}

function ratio(model: Readonly<Record<string, unknown>>, key: string, field: string): number | null {
  const found = model[key] ?? null;
  if (found === null || (typeof found === "number" && found >= 0 && Number.isFinite(found))) return found;
  throw invalidField(
    `${field}.${key}`,
    `${field}.${key}: a number of at least 0 or null expected, found ${JSON.stringify(found)}`,
  );
}
