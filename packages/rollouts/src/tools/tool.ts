/**
 * The Tool seam: what a model may call in the middle of an answer. A tool is given checked arguments and the
 * conversation's pictures, and returns what the model is shown: text, pictures, or the reason why there is neither.
 *
 * Model's mistakes are data: bad arguments, a box outside of the picture, a tool that throws, hangs or returns
 * something else all become an observation with the reason (call-tool.ts). None of them ends a run.
 */
import type { RgbImage } from "@v-triune/policy";

/**
 * A schema that checks arguments: any library that implements Standard Schema (https://standardschema.dev) has them.
 */
export interface ArgumentSchema<Arguments> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Arguments> | Promise<SchemaResult<Arguments>>;
  };
}

type SchemaResult<Arguments> =
  | { readonly value: Arguments; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A picture's size in pixels. */
export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** A picture of the conversation. */
export interface ToolPicture extends PixelSize {
  /** The size at which the model sees it. */
  readonly seen: PixelSize;
  /** All of its pixels, as it is stored: more than the model sees of a large picture. */
  pixels(): Promise<RgbImage>;
}

export interface ToolContext {
  /** The prompt's pictures in their order, then those that tools have returned. */
  readonly pictures: readonly ToolPicture[];
  /** Number of pictures that belong to the prompt. */
  readonly promptPictures: number;
  /** Fires when nobody waits for the result any more. */
  readonly signal: AbortSignal;
}

/** Where in which picture a tool looked, for metrics and views. The model is not told. */
export interface LookedAt {
  /** Position among the conversation's pictures. */
  readonly picture: number;
  /** [x1, y1, x2, y2] in thousandths of the picture. */
  readonly box: readonly [number, number, number, number];
}

/** What a tool returns. */
export type ToolResult =
  | {
      readonly text?: string;
      /** Pixels, or the bytes of an image file. */
      readonly pictures?: readonly (RgbImage | Uint8Array)[];
      readonly lookedAt?: LookedAt;
    }
  /** The reason why it could not be done, in words that the model reads. */
  | { readonly fault: string };

export interface Tool<Arguments = unknown> {
  /** By which the model calls it. */
  readonly name: string;
  /** What it does, for the model. */
  readonly description: string;
  /** Checks the arguments of a call. */
  readonly schema: ArgumentSchema<Arguments>;
  /** The same as JSON Schema of an object, for the model. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /**
   * Whether it counts its deadline itself, from when a call starts and not from when it is asked for. Default false.
   */
  readonly keepsDeadline?: boolean;
  call(args: Arguments, context: ToolContext): ToolResult | Promise<ToolResult>;
}
