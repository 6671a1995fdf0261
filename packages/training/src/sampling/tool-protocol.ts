/** What the process of a run and the thread of a tool module tell each other. */
import type { ErrorDetails } from "@v-triune/errors";
import type { RgbImage } from "@v-triune/policy";
import type { PixelSize, ToolResult } from "@v-triune/rollouts/tools";

/** A tool as the model is told of it. */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type ToToolThread =
  | { readonly type: "setup"; readonly module: string }
  | {
      readonly type: "call";
      readonly call: number;
      readonly tool: string;
      readonly arguments: unknown;
      readonly pictures: readonly (PixelSize & { readonly seen: PixelSize })[];
      readonly promptPictures: number;
    }
  /** Answers a "pixels". */
  | {
      readonly type: "pixels";
      readonly call: number;
      readonly picture: number;
      readonly pixels: RgbImage | { readonly problem: string };
    };

export type FromToolThread =
  | { readonly type: "ready"; readonly tools: readonly ToolDescription[] }
  | { readonly type: "failed"; readonly error: ErrorDetails }
  /** The tool wants to see a picture of the conversation. */
  | { readonly type: "pixels"; readonly call: number; readonly picture: number }
  | { readonly type: "result"; readonly call: number; readonly result: ToolResult };
