/**
 * The conformance kit of the Tool seam. It calls a tool in the ways in which conversations do and returns what is wrong
 * as data, so that it works under any test framework:
 *
 *     expect(await checkTool(myTool, { calls: [{ box: [0, 0, 10, 10] }] })).toEqual([]);
 */
import type { RgbImage } from "@v-triune/policy";
import { CALL_LIMITS, type CalledTool, callTool } from "./call-tool";
import type { Tool, ToolContext } from "./tool";

/** One way in which a tool breaks the contract. */
export interface ToolFinding {
  /** The rule that is broken. */
  readonly rule: "identity" | "parameters" | "result" | "refuses" | "repeats" | "abort";
  /** Expected and found. */
  readonly message: string;
}

export interface ToolConformanceOptions {
  /** Arguments of calls that succeed; at least one. */
  readonly calls: readonly unknown[];
  /** Arguments that have to be refused with a reason. Default: none, a text, and a list. */
  readonly badCalls?: readonly unknown[];
  /** Pictures of the conversation. Default: one of 64 × 48 pixels. */
  readonly pictures?: readonly RgbImage[];
  /** How long one call may take. Default 10,000 ms. */
  readonly longestMs?: number;
}

/**
 * Checks a tool against the contract of {@link Tool}.
 *
 * @returns the findings; an empty list means that it conforms
 * @throws RangeError without calls
 */
export async function checkTool<Arguments>(
  given: Tool<Arguments>,
  { calls, badCalls = [undefined, "text", []], pictures = [wave(64, 48)], longestMs = 10_000 }: ToolConformanceOptions,
): Promise<ToolFinding[]> {
  if (calls.length === 0) throw new RangeError("checkTool: no calls; give the arguments of at least one that succeeds");
  const tool = given as Tool;
  const findings: ToolFinding[] = [];
  const find = (rule: ToolFinding["rule"], message: string) => void findings.push({ rule, message });
  const context: Omit<ToolContext, "signal"> = {
    promptPictures: pictures.length,
    pictures: pictures.map((image) => {
      const { width, height } = image;
      return { width, height, seen: { width, height }, pixels: () => Promise.resolve(image) };
    }),
  };
  const call = (args: unknown): Promise<CalledTool> =>
    callTool({ name: tool.name, arguments: args }, [tool], context, { ...CALL_LIMITS, deadlineMs: longestMs });

  if (typeof tool.name !== "string" || !/^[\w-]{1,64}$/.test(tool.name))
    find("identity", `a name of letters, digits, _ and - expected, found ${JSON.stringify(tool.name)}`);
  if (typeof tool.description !== "string" || tool.description === "")
    find("identity", "a description for the model expected");
  if (tool.parameters?.["type"] !== "object")
    find("parameters", `JSON Schema of an object expected, found type ${JSON.stringify(tool.parameters?.["type"])}`);

  for (const args of calls) {
    const where = `call(${JSON.stringify(args)})`;
    const first = await call(args);
    if (first.fault !== undefined) {
      find("result", `${where}: a result expected, found the fault "${first.fault}"`);
      continue;
    }
    const again = await call(args);
    if (fingerprint(first) !== fingerprint(again))
      find("repeats", `${where}: the same result twice expected; a run could not be resumed to the same bytes`);
  }
  for (const args of badCalls) {
    const { fault } = await call(args);
    const where = `call(${JSON.stringify(args)})`;
    if (fault === undefined) find("refuses", `${where}: a fault expected, found a result`);
    else if (/^(TypeError|ReferenceError)|Cannot read prop|is not (a function|iterable)/.test(fault))
      find("refuses", `${where}: a reason that a model understands expected, found "${fault}"`);
  }
  const stopped = AbortSignal.abort(new Error("nobody waits"));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<string>((resolve) => (timer = setTimeout(() => resolve("stuck"), longestMs)));
  try {
    const checked = await tool.schema["~standard"].validate(calls[0]);
    const done = checked.issues ? undefined : tool.call(checked.value, { ...context, signal: stopped });
    if ((await Promise.race([done, end])) === "stuck")
      find("abort", `a call that is aborted has to end; it did not within ${longestMs} ms`);
  } catch (error) {
    if (error !== stopped.reason)
      find("abort", `an aborted call may throw the signal's reason only; it threw ${String(error)}`);
  } finally {
    clearTimeout(timer);
  }
  return findings;
}

function fingerprint({ text, pictures, lookedAt }: CalledTool): string {
  const bytes = pictures.map(({ png }) => Buffer.from(png).toString("base64"));
  return JSON.stringify([text, bytes, lookedAt ?? null]);
}

/** A picture without two equal rows. */
function wave(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => Math.round(127 + 120 * Math.sin(0.37 * i)));
  return { width, height, data };
}
