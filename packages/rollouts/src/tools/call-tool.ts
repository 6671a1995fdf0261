/**
 * One call of a tool, whatever the tool does: its result is checked, pictures become files without loss (PNG), and all
 * that goes wrong is a fault with its reason.
 */
import { type RgbImage, decodeImage, encodePng } from "@v-triune/policy";
import type { LookedAt, Tool, ToolContext, ToolResult } from "./tool";

/** A picture that a tool returned, as a PNG file. */
export interface ReturnedPicture {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/** A call with what came back. */
export interface CalledTool {
  /** As the model named it. */
  readonly tool: string;
  /** As the model wrote them. */
  readonly arguments: unknown;
  /** What the model is told; "" if it gets only pictures. */
  readonly text: string;
  readonly pictures: readonly ReturnedPicture[];
  readonly lookedAt?: LookedAt;
  /** Why it failed; absent if it did not. The text says the same. */
  readonly fault?: string;
}

export interface CallLimits {
  /** How long a tool may take. */
  readonly deadlineMs: number;
  /** Most pixels of a picture that is returned. */
  readonly maxPicturePixels: number;
  /** Most characters of a text that is returned. */
  readonly maxCharacters: number;
}

export const CALL_LIMITS: CallLimits = { deadlineMs: 10_000, maxPicturePixels: 1 << 24, maxCharacters: 10_000 };

/** A call that the model meant to make, or why it cannot be read. */
export type ToolCall =
  | { readonly name: string; readonly arguments: unknown; readonly fault?: undefined }
  | { readonly fault: string };

/** Never throws, and returns within the deadline if the tool leaves the thread free or keeps the deadline itself. */
export async function callTool(
  call: ToolCall,
  tools: readonly Tool[],
  context: Omit<ToolContext, "signal">,
  limits: CallLimits = CALL_LIMITS,
): Promise<CalledTool> {
  if (call.fault !== undefined) return failed("", undefined, call.fault);
  const tool = tools.find(({ name }) => name === call.name);
  const fail = (reason: string): CalledTool => failed(call.name, call.arguments, reason);
  if (!tool) return fail(`unknown tool; known: ${tools.map(({ name }) => name).join(", ")}`);
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    if (tool.keepsDeadline === true) return;
    timer = setTimeout(() => reject(new Error(`no result within ${limits.deadlineMs / 1000} s`)), limits.deadlineMs);
  });
  try {
    const result = await Promise.race([checkedCall(tool, call.arguments, { ...context, signal: stop.signal }), late]);
    if (typeof result === "string") return fail(result);
    const { text = "", pictures = [], lookedAt } = result;
    const returned = await Promise.race([
      Promise.all(pictures.map((picture) => returnedPicture(picture, limits))),
      late,
    ]);
    return {
      tool: call.name,
      arguments: call.arguments,
      text: text.length > limits.maxCharacters ? `${text.slice(0, limits.maxCharacters)} ..` : text,
      pictures: returned,
      ...(lookedAt ? { lookedAt } : {}),
    };
  } catch (error) {
    return fail(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  } finally {
    clearTimeout(timer);
    stop.abort();
    late.catch(() => undefined);
  }
}

function failed(tool: string, args: unknown, reason: string): CalledTool {
  const fault = reason === "" ? "the tool failed" : reason;
  return { tool, arguments: args, text: `error: ${fault}`, pictures: [], fault };
}

/** @returns the reason where there is no result */
async function checkedCall(
  tool: Tool,
  args: unknown,
  context: ToolContext,
): Promise<string | Exclude<ToolResult, { fault: string }>> {
  const checked = await tool.schema["~standard"].validate(args);
  if (checked.issues) return checked.issues.map(({ message }) => message).join("; ");
  const result: unknown = await tool.call(checked.value, context);
  if (typeof result !== "object" || result === null) return "the tool returned nothing";
  const { text, pictures, fault } = result as Record<string, unknown>;
  if (fault !== undefined) return typeof fault === "string" ? fault : "the tool failed";
  if (text !== undefined && typeof text !== "string") return "the tool returned a text that is no text";
  if (pictures !== undefined && !Array.isArray(pictures)) return "the tool returned pictures that are no list";
  if ((text === undefined || text === "") && (pictures === undefined || pictures.length === 0))
    return "the tool returned nothing";
  return result as Exclude<ToolResult, { fault: string }>;
}

async function returnedPicture(picture: RgbImage | Uint8Array, limits: CallLimits): Promise<ReturnedPicture> {
  const name = "the picture that the tool returned";
  const size = picture instanceof Uint8Array ? undefined : picture.width * picture.height;
  if (size !== undefined && !(size <= limits.maxPicturePixels))
    throw new Error(`${name} is too large: ${(picture as RgbImage).width} x ${(picture as RgbImage).height} pixels`);
  const image = await decodeImage(picture, { name, maxInputPixels: limits.maxPicturePixels });
  return { width: image.width, height: image.height, png: await encodePng(image) };
}
