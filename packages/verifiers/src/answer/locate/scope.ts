/**
 * Where a response says its answer: after its thought, and inside its last answer block. Tags that the text only names,
 * as in "I put it in <answer></answer> tags", are no tags.
 */

/** A stretch of the response. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Scope extends Span {
  /** What the stretch was cut by: "think", "answer", .. in the order applied. */
  readonly cuts: readonly string[];
  /** The response is a thought that never ends. */
  readonly isOnlyThought?: true;
}

const THOUGHT_ENDS = [
  "</think>",
  "</thinking>",
  "</thought>",
  "</reasoning>",
  "◁/think▷",
  "[/THINK]",
  "<|end_of_thought|>",
  "</seed:think>",
];
const THOUGHT_STARTS =
  /^\s*(?:<think>|<thinking>|<thought>|<reasoning>|◁think▷|\[THINK\]|<\|begin_of_thought\|>|<seed:think>)/;
/** What every tag begins with. */
const TAG_OPENS = /[<◁[]/;
const BLOCKS: readonly (readonly [open: string, close: string])[] = [
  ["<answer>", "</answer>"],
  ["<|begin_of_box|>", "<|end_of_box|>"],
  ["<final_answer>", "</final_answer>"],
  ["<|begin_of_solution|>", "<|end_of_solution|>"],
  ["<ans>", "</ans>"],
  ["<solution>", "</solution>"],
  ["<conclusion>", "</conclusion>"],
  ["<CONCLUSION>", "</CONCLUSION>"],
  ["<ANSWER>", "</ANSWER>"],
  ["<Answer>", "</Answer>"],
];
/** Marks of chat templates and channels, which are no part of what the model says. */
const FINAL_CHANNEL = "<|channel|>final<|message|>";
const TURN_END =
  /<\|(?:im_end|endoftext|eot_id|end|return|im_start|end_of_sentence)\|>|<｜end▁of▁sentence｜>|<\/s>|<eos>|<end_of_turn>/g;
const ASSISTANT_TURN = "<|im_start|>assistant";

/** What a block holds that was named, not written. */
const PLACEHOLDER = /[\s.…]+|\b(?:and|or|your|the|final|answer|here)\b|和|或|答案/gi;

/** The part of a response that its answer is looked for in. */
export function answerScope(response: string): Scope {
  const cuts: string[] = [];
  let { start, end } = withoutTurns(response, cuts);
  const thoughtEnd = lastThoughtEnd(response, start, end);
  let isOnlyThought = false;
  if (thoughtEnd !== -1) {
    start = thoughtEnd;
    cuts.push("thought");
  } else isOnlyThought = THOUGHT_STARTS.test(response.slice(start, start + 200));
  const block = lastBlock(response, start, end);
  if (block !== undefined) {
    ({ start, end } = block);
    cuts.push(block.name);
    isOnlyThought = false;
  }
  return { ...trimmed(response, start, end), cuts, ...(isOnlyThought && { isOnlyThought }) };
}

/** Ends after the last thought, unless that tag is only named and nothing follows. */
function lastThoughtEnd(text: string, start: number, end: number): number {
  let last = -1;
  if (!TAG_OPENS.test(text)) return last;
  for (const tag of THOUGHT_ENDS) {
    const at = lastTag(text, tag, start, end);
    if (at !== -1) last = Math.max(last, at + tag.length);
  }
  return last;
}

/** The last place of a tag that is not quoted. */
function lastTag(text: string, tag: string, start: number, end: number): number {
  for (let at = text.lastIndexOf(tag, end - tag.length); at >= start && at !== -1; at = text.lastIndexOf(tag, at - 1)) {
    if (!isQuoted(text, at, at + tag.length)) return at;
    if (at === 0) break;
  }
  return -1;
}

const isQuoted = (text: string, start: number, end: number): boolean => {
  const [before, after] = [text[start - 1], text[end]];
  return before !== undefined && before === after && "`\"'".includes(before);
};

interface Block extends Span {
  readonly name: string;
}

function lastBlock(text: string, start: number, end: number): Block | undefined {
  if (!text.includes("<")) return undefined;
  let best: (Block & { readonly open: number }) | undefined;
  for (const [open, close] of BLOCKS) {
    const found = lastBlockOf(text, open, close, start, end);
    if (found !== undefined && (best === undefined || found.open > best.open)) best = { ...found, name: open };
  }
  return best;
}

/**
 * The last complete block of a kind that holds something; or one that never closes, if it opens after every complete
 * one.
 */
function lastBlockOf(
  text: string,
  open: string,
  close: string,
  start: number,
  end: number,
): (Span & { open: number }) | undefined {
  let closes = -1;
  let next = text.lastIndexOf(close, end - close.length);
  let unclosed: CutOff | undefined;
  for (let at = lastTag(text, open, start, end); at !== -1; at = at === start ? -1 : lastTag(text, open, start, at)) {
    const inside = at + open.length;
    // The nearest closing tag behind this opening one.
    while (next >= inside) {
      closes = next;
      next = next === 0 ? -1 : text.lastIndexOf(close, next - 1);
    }
    if (closes === -1) {
      unclosed ??= cutOff(text, inside, end, at, start);
      continue;
    }
    if (unclosed?.opensLine === true) return unclosed;
    if (!isPlaceholder(text, inside, closes)) return { start: inside, end: closes, open: at };
  }
  return unclosed;
}

function isPlaceholder(text: string, from: number, to: number): boolean {
  const inside = trimmed(text, from, to);
  return inside.end - inside.start <= 40 && text.slice(inside.start, inside.end).replace(PLACEHOLDER, "") === "";
}

interface CutOff extends Span {
  readonly open: number;
  readonly opensLine: boolean;
}

/** A block that never closes. "<answer> tags" only names the tag. */
function cutOff(text: string, inside: number, end: number, open: number, start: number): CutOff | undefined {
  if (isPlaceholder(text, inside, end) || /^ ?(?:tags?|and|block|标签|<)/i.test(text.slice(inside, inside + 10)))
    return undefined;
  const opensLine = open === start || /[\n>]\s*$/.test(text.slice(Math.max(start, open - 3), open));
  const half = /<\/?[a-z]*$/i.exec(text.slice(Math.max(inside, end - 10), end));
  return { start: inside, end: half === null ? end : end - half[0].length, open, opensLine };
}

/** The last turn of the assistant, without the marks around it. */
function withoutTurns(text: string, cuts: string[]): Span {
  let start = 0;
  if (!text.includes("<")) return { start, end: text.length };
  for (const mark of [ASSISTANT_TURN, FINAL_CHANNEL]) {
    const at = text.lastIndexOf(mark);
    if (at === -1) continue;
    start = at + mark.length;
    cuts.push("turn");
  }
  TURN_END.lastIndex = start;
  for (let match = TURN_END.exec(text); match !== null; match = TURN_END.exec(text))
    if (!isPlaceholder(text, start, match.index)) return { start, end: match.index };
  return { start, end: text.length };
}

/** The stretch without blanks at its ends. */
export function trimmed(text: string, start: number, end: number): Span {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return { start: from, end: to };
}

const isBlank = (code: number): boolean =>
  code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0xfeff || code === 0x3000;
