/**
 * Call forms: how a model writes a call, how tools are offered to it, and how it is shown what they return. A model
 * knows the form that it was trained on.
 *
 *     hermes     <tool_call>{"name": "crop", "arguments": {..}}</tool_call>; what comes back has the role `tool` where the
 *                chat template knows it, else it is a user's turn in <tool_response> (Qwen2.5's templates)
 *     deepeyes   the same call of `image_zoom_in_tool` in pixels of the resized picture; a user's turn (arXiv 2505.14362)
 *     med        the same call of `image_crop_and_zoom_in_tool` in thousandths; a user's turn (arXiv 2602.01334)
 *     mini-o3    <grounding>{"bbox_2d": [..], "source": "original_image"}</grounding>, boxes 0..1, what comes back is
 *                `observation_1` and so on; a user's turn (arXiv 2509.07969)
 *
 * The grammars are those of the papers' code; the sentences around them are our own.
 */
import type { ContentPart } from "@v-triune/policy";
import type { BoxConvention } from "@v-triune/verifiers";
import type { CalledTool, ToolCall } from "../tools/call-tool";
import type { Tool } from "../tools/tool";
import type { BuiltInToolName, CallFormName } from "../tools/tool-names";

/** A message without its place in the conversation. */
export interface ObservationMessage {
  readonly role: "tool" | "user";
  readonly content: readonly ContentPart[];
}

export interface CallForm {
  readonly name: CallFormName;
  /** What built-in tools are called in this form; others keep their names. */
  readonly toolNames: Readonly<Partial<Record<BuiltInToolName, string>>>;
  /** In which convention calls have boxes; undefined: as the model writes them in answers. */
  readonly boxes: BoxConvention | undefined;
  /** Whether results are messages of the role `tool`, as chat templates with tools have them. */
  readonly usesToolMessages: boolean;
  /** The calls of a turn, in order; none if it is an answer. */
  readonly calls: (text: string) => readonly ToolCall[];
  /** What a system message says about the tools. */
  readonly offer: (tools: readonly Tool[]) => string;
  /** @param shown how many pictures tools have returned before */
  readonly observe: (results: readonly CalledTool[], shown: number) => readonly ObservationMessage[];
}

const CALL = /<tool_call>([^]*?)(<\/tool_call>|$)/g;

function taggedCalls(text: string): ToolCall[] {
  return [...text.matchAll(CALL)].map(([, body, end]): ToolCall => {
    if (end === "") return { fault: "the call has no </tool_call>" };
    const value = parsedObject(body!);
    if (typeof value === "string") return { fault: value };
    const { name, arguments: given } = value;
    if (typeof name !== "string") return { fault: "the call has no name" };
    return { name, arguments: given ?? {} };
  });
}

/** @returns the reason if it is no JSON object */
function parsedObject(text: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Below.
  }
  return "the call is no JSON object";
}

function schemaLines(tools: readonly Tool[]): string {
  return tools
    .map(({ name, description, parameters }) =>
      JSON.stringify({ type: "function", function: { name, description, parameters } }),
    )
    .join("\n");
}

function taggedOffer(tools: readonly Tool[]): string {
  return [
    "You can call these functions, described by JSON Schema:",
    `<tools>\n${schemaLines(tools)}\n</tools>`,
    "To call one, write a JSON object between tags, and end your turn:",
    '<tool_call>\n{"name": "..", "arguments": {..}}\n</tool_call>',
  ].join("\n");
}

const text = (words: string): ContentPart => ({ type: "text", text: words });
const pictures = ({ pictures: list }: CalledTool): ContentPart[] => list.map(() => ({ type: "image" }));

/** All results in one user's turn, each in its own tag. */
function taggedUserTurn(results: readonly CalledTool[]): ObservationMessage[] {
  const content = results.flatMap((result) => [
    text("<tool_response>"),
    ...pictures(result),
    ...(result.text === "" ? [] : [text(result.text)]),
    text("</tool_response>"),
  ]);
  return [{ role: "user", content }];
}

const hermes: CallForm = {
  name: "hermes",
  toolNames: {},
  boxes: undefined,
  usesToolMessages: true,
  calls: taggedCalls,
  offer: taggedOffer,
  observe: (results) =>
    results.map((result) => ({
      role: "tool",
      content: [...pictures(result), ...(result.text === "" ? [] : [text(result.text)])],
    })),
};

const GROUNDING = /<grounding>([^]*?)(<\/grounding>|$)/g;

const miniO3: CallForm = {
  name: "mini-o3",
  toolNames: {},
  boxes: "unit",
  usesToolMessages: false,
  calls: (answer) =>
    [...answer.matchAll(GROUNDING)].map(([, body, end]): ToolCall => {
      if (end === "") return { fault: "the call has no </grounding>" };
      const value = parsedObject(body!);
      return typeof value === "string" ? { fault: value } : { name: "crop", arguments: value };
    }),
  offer: () =>
    [
      "To look closer, write a box between tags, and end your turn:",
      '<grounding>{"bbox_2d": [x1, y1, x2, y2], "source": "original_image"}</grounding>',
      "Coordinates are 0 to 1 of the picture's width and height. The source is original_image, or observation_1 for the",
      "first picture that you were shown.",
    ].join("\n"),
  observe(results, shown) {
    let count = shown;
    const content = results.flatMap((result) => [
      ...pictures(result).flatMap((picture) => [text(`Observation ${++count}: `), picture]),
      ...(result.text === "" ? [] : [text(result.text)]),
    ]);
    return [{ role: "user", content: [...content, text("\nLook again if you need to, or answer.")] }];
  },
};

const forms: Readonly<Record<CallFormName, CallForm>> = {
  hermes,
  deepeyes: {
    ...hermes,
    name: "deepeyes",
    toolNames: { crop: "image_zoom_in_tool" },
    boxes: "resized-pixels",
    usesToolMessages: false,
    observe: taggedUserTurn,
  },
  med: {
    ...hermes,
    name: "med",
    toolNames: { crop: "image_crop_and_zoom_in_tool" },
    boxes: "thousandths",
    usesToolMessages: false,
    observe: taggedUserTurn,
  },
  "mini-o3": miniO3,
};

export function callForm(name: CallFormName): CallForm {
  return forms[name];
}
