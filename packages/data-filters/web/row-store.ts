/** All rows of the page, unpacked block by block, and searches among them that never hold up the page. */
import { BLOCK_ELEMENT, type RowBlock, type RowListData } from "../src/report-page/page-data";

/** A row. */
export interface ListedRow {
  readonly source: number;
  readonly fate: number;
  readonly id: string;
  readonly question: string;
  readonly answer: string;
}

/** What is looked for. -1 is every source, or every fate. */
export interface RowFilter {
  readonly source: number;
  readonly fate: number;
  readonly text: string;
}

/** Milliseconds of work between two frames. */
const SLICE = 8;

export class RowStore {
  readonly #rows: ListedRow[] = [];
  /** What a search by text looks at, in lower case. */
  readonly #texts: string[] = [];
  #searches = 0;

  get size(): number {
    return this.#rows.length;
  }

  at(place: number): ListedRow {
    return this.#rows[place]!;
  }

  /** Unpacks the blocks. @param tell called after each */
  async load({ blocks }: RowListData, tell: () => void): Promise<void> {
    for (let i = 0; i < blocks; i++) {
      const element = document.getElementById(`${BLOCK_ELEMENT}${i}`);
      const block = await unpack(element?.textContent ?? "");
      // The text is not needed twice.
      element?.remove();
      for (const [at, id] of block.id.entries()) {
        const row = {
          source: block.source[at]!,
          fate: block.fate[at]!,
          id,
          question: block.question[at]!,
          answer: block.answer[at]!,
        };
        this.#rows.push(row);
        this.#texts.push(`${row.id}\n${row.question}\n${row.answer}`.toLowerCase());
      }
      tell();
      await pause();
    }
  }

  /**
   * Finds rows, in slices. A later search ends an earlier one.
   *
   * @param tell called with all that was found so far, after each slice
   */
  async find(
    { source, fate, text }: RowFilter,
    tell: (found: readonly number[], isDone: boolean) => void,
  ): Promise<void> {
    const search = ++this.#searches;
    const wanted = text.trim().toLowerCase();
    const found: number[] = [];
    let started = performance.now();
    for (const [place, row] of this.#rows.entries()) {
      if ((source < 0 || row.source === source) && (fate < 0 || row.fate === fate))
        if (wanted === "" || this.#texts[place]!.includes(wanted)) found.push(place);
      if ((place & 1023) !== 1023 || performance.now() - started < SLICE) continue;
      tell(found, false);
      await pause();
      if (search !== this.#searches) return;
      started = performance.now();
    }
    tell(found, true);
  }
}

async function unpack(text: string): Promise<RowBlock> {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const packed = new Response(bytes).body!;
  return (await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).json()) as RowBlock;
}

/** Lets the page draw and answer. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
