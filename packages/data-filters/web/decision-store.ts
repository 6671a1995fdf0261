/** A person's decisions, in the order in which they were made. The browser keeps them, also after they were saved. */
import type { Decision, GoldDecision } from "../src/golds/gold-decision";
import type { ReviewData, Suspect } from "../src/report-page/page-data";

/** One step, for undo. */
interface Step {
  readonly suspect: number;
  readonly before: Decision | undefined;
}

/** The decisions on the suspects of a page. */
export class DecisionStore {
  readonly #data: ReviewData;
  readonly #decisions = new Map<number, Decision>();
  readonly #steps: Step[] = [];
  #isSaved = true;

  constructor(data: ReviewData) {
    this.#data = data;
    this.#restore();
  }

  of(suspect: number): Decision | undefined {
    return this.#decisions.get(suspect);
  }

  get decided(): number {
    return this.#decisions.size;
  }

  get isSaved(): boolean {
    return this.#isSaved;
  }

  get canUndo(): boolean {
    return this.#steps.length > 0;
  }

  decide(suspect: number, decision: Decision): void {
    this.#steps.push({ suspect, before: this.#decisions.get(suspect) });
    this.#decisions.set(suspect, decision);
    this.#changed();
  }

  /** Takes the last step back. @returns the suspect that it was about */
  undo(): number | undefined {
    const step = this.#steps.pop();
    if (step === undefined) return undefined;
    if (step.before === undefined) this.#decisions.delete(step.suspect);
    else this.#decisions.set(step.suspect, step.before);
    this.#changed();
    return step.suspect;
  }

  /** `decisions.json`: those of this page, and those that were applied before. */
  file(): string {
    const own = [...this.#decisions].map(([at, decision]) => decisionOn(this.#data.suspects[at]!, decision));
    // A new decision takes the place of an earlier one on the row, whose gold has changed since.
    const keyOf = ({ source, id }: GoldDecision): string => JSON.stringify([source, id]);
    const again = new Set(own.map(keyOf));
    const decisions = [...this.#data.earlier.filter((one) => !again.has(keyOf(one))), ...own];
    return `${JSON.stringify({ version: 1, decisions }, null, 1)}\n`;
  }

  saved(): void {
    this.#isSaved = true;
    this.#keep();
  }

  #changed(): void {
    this.#isSaved = false;
    this.#keep();
  }

  #keep(): void {
    const decisions = [...this.#decisions].map(([at, decision]) => {
      const { source, id } = this.#data.suspects[at]!;
      return [source, id, decision];
    });
    try {
      localStorage.setItem(this.#key, JSON.stringify({ isSaved: this.#isSaved, decisions }));
    } catch {
      // Storage may be full or switched off. The decisions then last as long as the page.
    }
  }

  #restore(): void {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#key) ?? "null") as {
        isSaved: boolean;
        decisions: [string, string, Decision][];
      } | null;
      if (kept === null) return;
      for (const [source, id, decision] of kept.decisions) {
        const at = this.#data.suspects.findIndex((suspect) => suspect.source === source && suspect.id === id);
        if (at >= 0) this.#decisions.set(at, decision);
      }
      this.#isSaved = kept.isSaved;
    } catch {
      // As above.
    }
  }

  get #key(): string {
    return `v-triune decisions ${this.#data.key}`;
  }
}

function decisionOn({ source, id, question, gold, consensus }: Suspect, decision: Decision): GoldDecision {
  const whole = { source, id, question, gold, decision };
  return decision === "replace" && consensus !== null ? { ...whole, replacement: consensus } : whole;
}
