/**
 * Conversations of several turns: what the model writes, the tools that it calls, what they show it. One object follows
 * all conversations of a request; engines ask it what comes next whenever a turn ends.
 *
 * A conversation ends with a turn without a call (an answer), at the limit of turns with a call in the last one
 * (over-turn), or where tokens or pictures have used up their budget.
 */
import { type EndedTurn, type Processor, type TurnContinuation, decodeImage } from "@v-triune/policy";
import { type CallLimits, type CalledTool, type ReturnedPicture, type ToolCall, callTool } from "../tools/call-tool";
import type { PixelSize, Tool, ToolPicture } from "../tools/tool";
import type { PreparedPrompt } from "../prepared-prompt";
import type { CallForm } from "./call-form";
import type { Conversation, ConversationEnd, ConversationTurn, Place } from "./conversation";
import { type ContinuationText, continuationText, continuationTokens } from "./observation-tokens";

/** How conversations go. */
export interface TurnRules {
  /** Most turns that the model has, the answer included; at least 1. */
  readonly maxTurns: number;
  readonly tools: readonly Tool[];
  readonly form: CallForm;
  /** Most tokens of all observations of a conversation, pictures included. */
  readonly maxShownTokens: number;
  /** Most pixels, as the model sees them, of all pictures that tools return in a conversation; null: no limit. */
  readonly maxShownPixels: number | null;
  readonly limits: CallLimits;
  /** Most calls of a turn that are made; null: all of them. */
  readonly maxCalls: number | null;
}

interface State {
  readonly pictures: ToolPicture[];
  readonly promptPictures: number;
  readonly turns: { readonly calls: readonly CalledTool[]; readonly continuation?: ContinuationText }[];
  shownTokens: number;
  shownPixels: number;
  end: ConversationEnd;
}

export class Conversations {
  readonly #states = new Map<string, State>();
  /** Pictures of prompts are decoded once for all conversations, at the first call. */
  readonly #decoded = new Map<number, Promise<ToolPicture[]>>();

  constructor(
    readonly prompts: readonly PreparedPrompt[],
    readonly rules: TurnRules,
    readonly processor: Processor,
  ) {}

  /** For engines: see `GenerateOptions.nextTurn`. */
  readonly nextTurn = async (turn: EndedTurn): Promise<TurnContinuation | undefined> => {
    const { maxTurns, tools, form, limits, maxCalls } = this.rules;
    const { processor } = this;
    const state = await this.#state(turn);
    const calls = form.calls(processor.decode(turn.tokenIds, { skipSpecialTokens: true }));
    if (calls.length === 0) {
      state.turns.push({ calls: [] });
      return undefined;
    }
    if (turn.turn + 1 >= maxTurns) {
      state.end = "over-turn";
      state.turns.push({ calls: [] });
      return undefined;
    }
    const results: CalledTool[] = [];
    const context = { pictures: state.pictures, promptPictures: state.promptPictures };
    for (const call of withinLimit(calls, maxCalls)) {
      const result = this.#withinPixels(state, await callTool(call, tools, context, limits));
      results.push(result);
      for (const { png, width, height } of result.pictures) {
        const seen = this.#seenSize({ width, height });
        state.shownPixels += seen.width * seen.height;
        state.pictures.push({ width, height, seen, pixels: () => decodeImage(png) });
      }
    }
    const images = await Promise.all(
      results.flatMap(({ pictures }) => pictures.map(({ png }) => processor.imageProcessor.process([png]))),
    );
    const shown = state.turns.reduce((sum, { calls: made }) => sum + countPictures(made), 0);
    const continuation = continuationText(form.observe(results, shown), processor);
    const tokens = continuationTokens(continuation, turn.tokenIds.at(-1), images, processor);
    state.shownTokens += tokens.tokenIds.length;
    if (state.shownTokens > this.rules.maxShownTokens) {
      state.end = "budget";
      state.turns.push({ calls: results });
      return undefined;
    }
    state.turns.push({ calls: results, continuation });
    return tokens;
  };

  /** What an engine that has no memory of a conversation is sent after a turn; undefined after the last. */
  continuationOf({ promptIndex, sampleIndex }: Place, turn: number): ContinuationText | undefined {
    return this.#states.get(`${promptIndex}/${sampleIndex}`)?.turns[turn]?.continuation;
  }

  /** What tools returned after a turn. */
  picturesOf({ promptIndex, sampleIndex }: Place, turn: number): readonly ReturnedPicture[] {
    const calls = this.#states.get(`${promptIndex}/${sampleIndex}`)?.turns[turn]?.calls ?? [];
    return calls.flatMap(({ pictures }) => pictures);
  }

  /**
   * The conversation of a completion.
   *
   * @param turns tokens that each turn has in training, and that it was shown after it
   */
  take(
    place: Place,
    turns: readonly { readonly tokenIds: Int32Array; readonly shownTokens: number }[],
    finishReason: "stop" | "length",
  ): Conversation {
    const key = `${place.promptIndex}/${place.sampleIndex}`;
    const state = this.#states.get(key);
    this.#states.delete(key);
    return {
      turns: turns.map(({ tokenIds, shownTokens }, index): ConversationTurn => {
        const text = this.processor.decode(tokenIds, { skipSpecialTokens: true });
        return { text, tokens: tokenIds.length, shownTokens, calls: state?.turns[index]?.calls ?? [] };
      }),
      end: finishReason === "length" ? "length" : (state?.end ?? "answer"),
    };
  }

  async #state({ promptIndex, sampleIndex, turn }: EndedTurn): Promise<State> {
    const key = `${promptIndex}/${sampleIndex}`;
    const known = this.#states.get(key);
    // A conversation that begins again (a thread was lost) forgets what it was.
    if (known && turn > 0) return known;
    const pictures = await this.#promptPictures(promptIndex);
    const state: State = {
      pictures: [...pictures],
      promptPictures: pictures.length,
      turns: [],
      shownTokens: 0,
      shownPixels: 0,
      end: "answer",
    };
    this.#states.set(key, state);
    return state;
  }

  #promptPictures(promptIndex: number): Promise<ToolPicture[]> {
    const decode = async (): Promise<ToolPicture[]> => {
      const { sample, id } = this.prompts[promptIndex]!;
      return Promise.all(
        sample.images.map(async ({ bytes, path }, index): Promise<ToolPicture> => {
          const image = await decodeImage(bytes ?? path ?? new Uint8Array(), { name: `${id}, image ${index}` });
          const { width, height } = image;
          return { width, height, seen: this.#seenSize(image), pixels: () => Promise.resolve(image) };
        }),
      );
    };
    const known = this.#decoded.get(promptIndex) ?? decode();
    this.#decoded.set(promptIndex, known);
    return known;
  }

  #seenSize({ width, height }: PixelSize): PixelSize {
    const { imageProcessor } = this.processor;
    const [, rows, columns] = imageProcessor.grid(width, height);
    const { patchSize } = imageProcessor.settings;
    return { width: columns * patchSize, height: rows * patchSize };
  }

  /** The result, without pictures that would go over the budget. */
  #withinPixels(state: State, result: CalledTool): CalledTool {
    const { maxShownPixels } = this.rules;
    const unseeable = result.pictures.find(
      ({ width, height }) => Math.max(width, height) > 200 * Math.min(width, height),
    );
    const pixels = (): number =>
      result.pictures.reduce((sum, size) => {
        const seen = this.#seenSize(size);
        return sum + seen.width * seen.height;
      }, state.shownPixels);
    const fault = unseeable
      ? `the picture is too long and thin: ${unseeable.width} x ${unseeable.height} pixels`
      : maxShownPixels !== null && result.pictures.length > 0 && pixels() > maxShownPixels
        ? "no further picture can be shown"
        : undefined;
    if (fault === undefined) return result;
    return { tool: result.tool, arguments: result.arguments, text: `error: ${fault}`, pictures: [], fault };
  }
}

/** The first calls of a turn; those beyond the limit are one call with a fault. */
function withinLimit(calls: readonly ToolCall[], maxCalls: number | null): readonly ToolCall[] {
  if (maxCalls === null || calls.length <= maxCalls) return calls;
  const left = calls.length - maxCalls;
  return [...calls.slice(0, maxCalls), { fault: `at most ${maxCalls} calls per turn are made; left out: ${left}` }];
}

const countPictures = (calls: readonly CalledTool[]): number =>
  calls.reduce((sum, { pictures }) => sum + pictures.length, 0);
