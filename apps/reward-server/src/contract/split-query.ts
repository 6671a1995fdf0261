/**
 * OpenRLHF's `query` is the decoded tokens of prompt and response, special tokens included; `prompt` is the text before
 * it was tokenized. The query need not begin with the prompt (openrlhf/utils/agent.py 0.11.2):
 *
 *   pictures    one `<|image_pad|>` of the prompt stands for as many as the picture has patches
 *   truncation  a prompt over the limit loses its beginning
 *   decoding    some tokenizers put a token or a blank in front, or join blanks and punctuation
 *
 * A prompt often shows the answer's form (`\boxed{..}`), so a whole query is never taken for the response.
 */

/** A special token, once or several times: one per patch stands for a picture. */
const SPECIAL_RUN = /(<\|[\w.-]{1,40}\|>|<[a-z]\w{0,30}>)\1*/g;
/** A shorter common part may be chance. */
const LEAST_COMMON = 16;

/** The response inside a query; undefined if the prompt is not found in it. */
export function responseInQuery(query: string, prompt: string): string | undefined {
  if (query.startsWith(prompt)) return query.slice(prompt.length);
  const lead = /^\s*(?:<\|?[\w.-]{1,40}\|?>)?\s*/.exec(query)?.[0].length ?? 0;
  return (
    afterRepeatedTokens(query, prompt) ??
    afterRepeatedTokens(query.slice(lead), prompt.trimStart()) ??
    afterCutPrompt(query, prompt) ??
    afterEndOfPrompt(query, prompt)
  );
}

/** The query begins with the prompt, in which each special token may occur any number of times in a row. */
function afterRepeatedTokens(query: string, prompt: string): string | undefined {
  let [at, end] = [0, 0];
  for (const { 0: run, 1: token = "", index } of prompt.matchAll(SPECIAL_RUN)) {
    const text = prompt.slice(end, index);
    if (!query.startsWith(text + token, at)) return undefined;
    at += text.length;
    while (query.startsWith(token, at)) at += token.length;
    end = index + run.length;
  }
  const rest = prompt.slice(end);
  return query.startsWith(rest, at) ? query.slice(at + rest.length) : undefined;
}

/**
 * The query begins in the middle of the prompt: the longest end of the prompt that the query begins with, by Knuth,
 * Morris and Pratt's table, because texts that repeat themselves would otherwise take the square of their length.
 */
function afterCutPrompt(query: string, prompt: string): string | undefined {
  const most = Math.min(query.length, prompt.length);
  const table = new Int32Array(most + 1);
  let common = 0;
  const step = (letter: string, limit: number) => {
    while (common > 0 && (common >= limit || query[common] !== letter)) common = table[common] as number;
    if (query[common] === letter) common++;
  };
  for (let at = 1; at < most; at++) {
    step(query[at] as string, most);
    table[at + 1] = common;
  }
  common = 0;
  for (let at = 1; at < prompt.length; at++) step(prompt[at] as string, most);
  return common >= LEAST_COMMON ? query.slice(common) : undefined;
}

/**
 * The query after the last words of the prompt (usually the assistant's header), found as often as the prompt has them.
 */
function afterEndOfPrompt(query: string, prompt: string): string | undefined {
  const end = prompt.slice(-2 * LEAST_COMMON);
  if (end.length < LEAST_COMMON) return undefined;
  let at = -1;
  for (let times = prompt.split(end).length - 1; times > 0; times--) {
    at = query.indexOf(end, at + 1);
    if (at < 0) return undefined;
  }
  return query.slice(at + end.length);
}

/**
 * Removes the special tokens that end a response: `<|im_end|>`, `<|endoftext|>`, `</s>`, `<eos>`, `<pad>`,
 * `<end_of_turn>`.
 */
export function withoutEndTokens(response: string): string {
  let end = response.length;
  for (;;) {
    const token = /(?:<\|[\w.-]{1,40}\|>|<\/s>|<eos>|<pad>|<end_of_turn>)\s*$/.exec(
      response.slice(Math.max(0, end - 64), end),
    )?.[0];
    if (token === undefined) return response.slice(0, end);
    end -= token.length;
  }
}
