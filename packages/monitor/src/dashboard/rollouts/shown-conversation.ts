/** The column `conversation` of a rollout file as the page shows it; what a file has otherwise is left out. */
import { isRecord } from "@v-triune/node-kit/is-record";
import type { DrawnBox, ShownCall, ShownConversation, ShownTurn } from "../dashboard-api";

/**
 * @param conversation JSON of turns and calls
 * @param images JSON of the pictures that tools returned, PNG in base64, null for one that is too large for the page
 * @returns null for an answer of one turn, or where the columns cannot be read
 */
export function shownConversation(conversation: unknown, images: unknown): ShownConversation | null {
  const value = parsed(conversation);
  if (!isRecord(value) || !Array.isArray(value["turns"])) return null;
  const list = parsed(images);
  const sources = Array.isArray(list) ? (list as unknown[]) : [];
  return {
    end: String(value["end"]),
    turns: records(value["turns"]).map((turn): ShownTurn => ({
      text: String(turn["text"] ?? ""),
      tokens: Number(turn["tokens"] ?? 0),
      shownTokens: Number(turn["shownTokens"] ?? 0),
      calls: records(turn["calls"]).map((call) => shownCall(call, sources)),
    })),
  };
}

function shownCall(call: Readonly<Record<string, unknown>>, sources: readonly unknown[]): ShownCall {
  const looked = call["lookedAt"];
  const box = isRecord(looked) ? looked["box"] : undefined;
  return {
    tool: String(call["tool"] ?? ""),
    arguments: JSON.stringify(call["arguments"] ?? null),
    text: String(call["text"] ?? ""),
    failed: typeof call["fault"] === "string",
    lookedAt: isRecord(looked) && isBox(box) ? { picture: Number(looked["picture"]), box } : null,
    pictures: records(call["pictures"]).map(({ width, height, image }) => {
      const data = sources[Number(image)];
      const source = typeof data === "string" ? `data:image/png;base64,${data}` : null;
      return { width: Number(width), height: Number(height), source };
    }),
  };
}

function parsed(json: unknown): unknown {
  if (typeof json !== "string") return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

const records = (value: unknown): Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isRecord) : [];

const isBox = (value: unknown): value is DrawnBox["bbox"] =>
  Array.isArray(value) && value.length === 4 && value.every((number) => Number.isFinite(number));
