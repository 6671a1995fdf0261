/** What the page of a report finds in its file. The page is in web/; it shares these types and nothing else. */
import type { GoldBox } from "@v-triune/schema";
import type { AnswerClass } from "../golds/answer-classes";
import type { AgreedBox } from "../golds/box-sites";
import type { GoldDecision } from "../golds/gold-decision";

/** A row whose gold may be wrong. */
export interface Suspect {
  readonly source: string;
  readonly id: string;
  readonly question: string;
  readonly options: readonly string[];
  /** As the owner's files have it: a decision states it again. */
  readonly gold: GoldDecision["gold"];
  /** Gold boxes in thousandths of the picture; empty for answers. */
  readonly goldBoxes: readonly GoldBox[];
  /** What would take the gold's place; null if the answers agree on nothing. */
  readonly consensus: string | readonly GoldBox[] | null;
  readonly suspicion: number;
  readonly answers: number;
  readonly goldCount: number;
  readonly consensusCount: number;
  readonly classes: readonly AnswerClass[];
  readonly agreed: readonly AgreedBox[];
  /** A JPEG as a data URL; null for a row without a picture, or with one that does not decode. */
  readonly picture: string | null;
  readonly pictureCount: number;
  /** The rule that dropped the row, or null. */
  readonly droppedBy: string | null;
}

/** The review page's data. */
export interface ReviewData {
  /** Tells the decisions of two reports apart in the browser's storage. */
  readonly key: string;
  readonly suspects: readonly Suspect[];
  /** Suspects that the page has no room for. */
  readonly leftOut: number;
  /** Decisions that were applied in this run: a saved file repeats them. */
  readonly earlier: readonly GoldDecision[];
}

/** The list of rows. The rows are in blocks beside it, gzip as base64. */
export interface RowListData {
  readonly sources: readonly string[];
  /** `kept`, the rules that dropped rows, `unreadable`. */
  readonly fates: readonly string[];
  /** Why, for each fate. */
  readonly reasons: readonly string[];
  /** Rows of the run, and those of the page. */
  readonly total: number;
  readonly listed: number;
  readonly blocks: number;
}

/** Rows of a block, by column. */
export interface RowBlock {
  /** Positions in `sources` and `fates`. */
  readonly source: readonly number[];
  readonly fate: readonly number[];
  readonly id: readonly string[];
  readonly question: readonly string[];
  readonly answer: readonly string[];
}

/** Ids of the elements that hold the data. */
export const REVIEW_ELEMENT = "review-data";
export const ROWS_ELEMENT = "rows-data";
export const BLOCK_ELEMENT = "rows-block-";
