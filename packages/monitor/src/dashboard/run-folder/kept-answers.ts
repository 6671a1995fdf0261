/**
 * Answers that take a while, kept until the run has written again: people reload a page, go back to it and pass its
 * address on, and a finished run answers them all alike.
 */

/** What an answer is about. */
export interface AnsweredRun {
  readonly id: string;
  /** Differs when what the run has recorded or stored does. */
  stamp(): Promise<string>;
}

interface Kept {
  readonly stamp: string;
  readonly answer: Promise<unknown>;
}

/** An answer has some ten thousand characters. */
const MOST_KEPT = 64;

export class KeptAnswers {
  /** The one that was asked for longest ago first. */
  readonly #kept = new Map<string, Kept>();

  /**
   * @param question with all that the answer depends on besides the run
   * @param answer computes it; a failure is not kept
   */
  async of<T>(run: AnsweredRun, question: string, answer: () => Promise<T>): Promise<T> {
    const key = JSON.stringify([run.id, question]);
    const stamp = await run.stamp();
    const known = this.#kept.get(key);
    const kept = known?.stamp === stamp ? known : { stamp, answer: answer() };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    try {
      return (await kept.answer) as T;
    } catch (error) {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      throw error;
    }
  }
}
