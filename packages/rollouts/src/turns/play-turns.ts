/**
 * Conversations by an engine that answers one turn at a time (a server): all first turns, then all second ones with the
 * conversation as their prompt, and so on. The rounds are fixed, so that nothing depends on which answer came first. A
 * server that caches prefixes does not compute the earlier turns again.
 */
import type { ChatMessage, VisualInput } from "@v-triune/policy";
import type { PreparedPrompt } from "../prepared-prompt";
import type { EngineCompletion, EngineTurn, RolloutEngine, SamplingRequest } from "../rollout-engine";
import type { Place } from "./conversation";
import type { Conversations } from "./conversations";

interface OpenConversation extends Place {
  readonly prompt: PreparedPrompt;
  readonly turns: readonly EngineTurn[];
  /** Tokens that it may still write. */
  readonly left: number;
}

/** @param placeholders ids that stand for pictures, which are taken out of what the model wrote */
export async function* playTurns(
  engine: RolloutEngine,
  prompts: readonly PreparedPrompt[],
  request: SamplingRequest,
  conversations: Conversations,
  placeholders: ReadonlySet<number>,
): AsyncGenerator<EngineCompletion> {
  const { imageTokenId, tokenizer } = conversations.processor;
  let open: OpenConversation[] = prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: request.n }, (_, sampleIndex) => {
      return { promptIndex, sampleIndex, prompt, turns: [], left: request.maxNewTokens };
    }),
  );
  for (let turn = 0; open.length > 0; turn++) {
    const asked = turn === 0 ? prompts : open.map(({ prompt }) => prompt);
    const maxNewTokens = open.reduce((most, { left }) => Math.max(most, left), 0);
    const round: SamplingRequest =
      turn === 0 ? request : { ...request, n: 1, maxNewTokens, seed: turnSeed(request, turn) };
    const goOn: Promise<OpenConversation | EngineCompletion>[] = [];
    for await (const completion of engine.generate(asked, round)) {
      const conversation =
        open[turn === 0 ? completion.promptIndex * request.n + completion.sampleIndex : completion.promptIndex];
      if (!conversation)
        throw new RangeError(`${engine.name} answered prompt ${completion.promptIndex} of ${asked.length}`);
      goOn.push(next(conversation, completion));
    }
    const going: OpenConversation[] = [];
    for (const outcome of await Promise.all(goOn)) {
      if ("finishReason" in outcome) yield outcome;
      else going.push(outcome);
    }
    open = going.sort((a, b) => a.promptIndex - b.promptIndex || a.sampleIndex - b.sampleIndex);
  }

  async function next(
    { prompt, turns, left, ...place }: OpenConversation,
    { tokenIds: all, logProbs: allLogProbs, finishReason: reason }: EngineCompletion,
  ): Promise<OpenConversation | EngineCompletion> {
    const tokenIds = all.length > left ? all.slice(0, left) : all;
    const logProbs = allLogProbs?.slice(0, tokenIds.length);
    const finishReason = all.length > left ? "length" : reason;
    const own = { tokenIds, ...(logProbs ? { logProbs } : {}) };
    const continuation =
      finishReason === "stop" ? await conversations.nextTurn({ ...place, turn: turns.length, tokenIds }) : undefined;
    if (!continuation || tokenIds.length >= left) {
      const done = [...turns, own];
      return {
        ...place,
        tokenIds: Int32Array.from(done.flatMap((turn) => [...turn.tokenIds])),
        ...(done.every((turn) => turn.logProbs)
          ? { logProbs: Float32Array.from(done.flatMap((turn) => [...turn.logProbs!])) }
          : {}),
        finishReason: continuation ? "length" : finishReason,
        turns: done,
      };
    }
    const written = tokenIds.filter((id) => !placeholders.has(id));
    const shown = conversations.continuationOf(place, turns.length)!;
    const answer = tokenizer.decode(written, { skipSpecialTokens: true });
    return {
      ...place,
      prompt: {
        ...prompt,
        promptIds: Int32Array.from([...prompt.promptIds, ...written, ...continuation.tokenIds]),
        messages: [...prompt.messages, { role: "assistant", content: answer }, ...shown.messages] as ChatMessage[],
        text: prompt.text + tokenizer.decode(written) + withoutRepeatedEnd(shown.text, written),
        ...joinedImages(prompt, continuation.pictures ?? []),
        sample: {
          ...prompt.sample,
          images: [
            ...prompt.sample.images,
            ...conversations.picturesOf(place, turns.length).map(({ png }) => ({ bytes: png, path: null })),
          ],
        },
      },
      turns: [...turns, { ...own, continuation }],
      left: left - tokenIds.length,
    };
  }

  /** The text after a turn, without the end of turn that the model wrote itself. */
  function withoutRepeatedEnd(text: string, written: Int32Array): string {
    const end = tokenizer.decode(written.subarray(-1));
    return end !== "" && written.at(-1) !== imageTokenId && text.startsWith(end) ? text.slice(end.length) : text;
  }
}

const turnSeed = ({ seed }: SamplingRequest, turn: number): number => (seed + turn * 0x1e3779b1) % 0x7fffffff;

function joinedImages({ images }: PreparedPrompt, further: readonly VisualInput[]): { readonly images?: VisualInput } {
  const all = [...(images ? [images] : []), ...further];
  if (all.length === 0) return {};
  const pixelValues = new Float32Array(all.reduce((sum, input) => sum + input.pixelValues.length, 0));
  let at = 0;
  for (const input of all) {
    pixelValues.set(input.pixelValues, at);
    at += input.pixelValues.length;
  }
  return { images: { pixelValues, gridThw: all.flatMap(({ gridThw }) => gridThw) } };
}
