/** A conversation as data: turns of the model, what they called, and what they were shown. */
import type { CalledTool } from "../tools/call-tool";

/** How a conversation ended. */
export type ConversationEnd = "answer" | "over-turn" | "length" | "budget";

/** One turn of the model, with the calls that it made. */
export interface ConversationTurn {
  /** As decoded, without special tokens. */
  readonly text: string;
  /** Tokens that are trained. */
  readonly tokens: number;
  /** Tokens that followed: what it was shown. 0 after the last turn. */
  readonly shownTokens: number;
  /** What was called, with what came back; empty for an answer. */
  readonly calls: readonly CalledTool[];
}

export interface Conversation {
  readonly turns: readonly ConversationTurn[];
  readonly end: ConversationEnd;
}

/** Which completion of which prompt. */
export interface Place {
  readonly promptIndex: number;
  readonly sampleIndex: number;
}

/** 1 for the tokens of turns, 0 for what was shown after them. */
export function maskOf({ turns }: Conversation): Uint8Array {
  return Uint8Array.from(
    turns.flatMap(({ tokens, shownTokens }) => [
      ...Array.from({ length: tokens }, () => 1),
      ...Array.from({ length: shownTokens }, () => 0),
    ]),
  );
}
