/**
 * Reads boxes that are not JSON but marked by tokens, as models write them that were trained on such:
 *
 *     <|object_ref_start|>a cat<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>    Qwen2-VL
 *     <ref>a cat</ref><box>[[x1, y1, x2, y2], ..]</box>                                     InternVL
 *     <ref>a cat</ref><box>(x1,y1),(x2,y2)</box>                                            Qwen-VL
 *     <|ref|>a cat<|/ref|><|det|>[[x1, y1, x2, y2], ..]<|/det|>                             DeepSeek-VL2
 *     a cat(x1,y1),(x2,y2)                            Qwen2-VL, decoded without its special tokens
 *
 * A box without a name before it has the label "".
 */

/** A box as the JSON forms have it. */
export interface WrittenBox {
  readonly bbox_2d: readonly number[];
  readonly label: string;
}

const OPENING = /<(\|object_ref_start\||ref|\|ref\||\|box_start\||box|\|det\|)>([^<]*)/g;
const NUMBER = /-?\d+(?:\.\d+)?/g;
const COORDINATE = String.raw`\s*(-?\d+(?:\.\d+)?)\s*`;
const CORNER = String.raw`\(${COORDINATE},${COORDINATE}\)`;
const PAIR = new RegExp(String.raw`${CORNER}\s*,?\s*${CORNER}`, "g");
const LONGEST_LABEL = 200;

/**
 * Boxes in the order of the text.
 *
 * @param text lowercased, the inside of an answer
 */
export function readBoxTokens(text: string): WrittenBox[] {
  const marked = readMarked(text);
  return marked.length > 0 ? marked : readPairs(text);
}

function readMarked(text: string): WrittenBox[] {
  const boxes: WrittenBox[] = [];
  let label = "";
  for (const [, mark = "", inside = ""] of text.matchAll(OPENING)) {
    if (mark.includes("ref")) {
      label = inside;
      continue;
    }
    const numbers = (inside.match(NUMBER) ?? []).map(Number);
    if (numbers.length % 4 !== 0) continue;
    for (let at = 0; at < numbers.length; at += 4) boxes.push({ bbox_2d: numbers.slice(at, at + 4), label });
  }
  return boxes;
}

/** The name of a box is the text of its line before it. */
function readPairs(text: string): WrittenBox[] {
  const boxes: WrittenBox[] = [];
  let end = 0;
  for (const match of text.matchAll(PAIR)) {
    const before = text.slice(Math.max(end, match.index - LONGEST_LABEL), match.index);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    boxes.push({ bbox_2d: match.slice(1, 5).map(Number), label: line.replace(/^[\s,;.-]+|[\s:]+$/g, "") });
    end = match.index + match[0].length;
  }
  return boxes;
}
