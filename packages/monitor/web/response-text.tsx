import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "./format";

/** Characters shown at once; a response of a megabyte would hold up the page. */
const SHOWN = 20_000;

/** Special tokens, as a picture's place, stand out; everything is text and nothing is markup. */
function marked(text: string): ComponentChildren[] {
  return text
    .split(/(<\|[a-z_]{1,40}\|>)/)
    .map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part));
}

interface Segment {
  readonly kind: "text" | "think" | "answer";
  readonly text: string;
}

/** Splits at think and answer blocks; one that is not closed goes to the end. */
function segments(text: string): Segment[] {
  const found: Segment[] = [];
  let at = 0;
  const block = /<(think|answer)>/g;
  for (let open = block.exec(text); open !== null; open = block.exec(text)) {
    const kind = open[1] as "think" | "answer";
    const close = text.indexOf(`</${kind}>`, block.lastIndex);
    const end = close < 0 ? text.length : close + kind.length + 3;
    if (open.index > at) found.push({ kind: "text", text: text.slice(at, open.index) });
    found.push({ kind, text: text.slice(open.index, end) });
    at = end;
    block.lastIndex = end;
  }
  if (at < text.length) found.push({ kind: "text", text: text.slice(at) });
  return found;
}

/**
 * A prompt or an answer: thoughts folded, the answer open, as it was written to the last space.
 *
 * @param whole characters that it had before it was cut for the page
 */
export function ResponseText({ text, whole, truncated = false }: { text: string; whole: number; truncated?: boolean }) {
  const [all, setAll] = useState(false);
  const shown = all ? text : text.slice(0, SHOWN);
  const parts = segments(shown);
  return (
    <div class="response">
      {parts.map(({ kind, text: part }, index) =>
        kind === "text" ? (
          part.trim() !== "" && <pre key={index}>{marked(part)}</pre>
        ) : (
          <details key={index} open={kind === "answer"} class={kind}>
            <summary>
              {kind === "think" ? "Thoughts" : "Answer"} <span class="muted">{count(part.length, "character")}</span>
            </summary>
            <pre>{marked(part)}</pre>
          </details>
        ),
      )}
      {text === "" && <p class="muted">Empty.</p>}
      {truncated && <p class="bad">✂ cut at the length limit</p>}
      {!all && text.length > SHOWN && (
        <button class="small" onClick={() => setAll(true)}>
          Show all {count(text.length, "character")}
        </button>
      )}
      {whole > text.length && <p class="muted">The rest of {count(whole, "character")} is in the Parquet file.</p>}
    </div>
  );
}
