/**
 * Answers to a page's first questions. A script in the page's head asks them (ask-first.ts), so that they are on their
 * way while the browser still reads the page's own script.
 */
import type { Answer } from "./question-address";

declare global {
  interface Window {
    /** By their address; a report asks nothing. */
    firstAnswers?: Map<string, Promise<Answer>>;
  }
}

export class FirstAnswers {
  readonly #answers = window.firstAnswers ?? new Map<string, Promise<Answer>>();
  #isOver = false;

  /** Resolves when all are there, with or without an error, or after some milliseconds. */
  async arrive(most: number): Promise<void> {
    if (this.#answers.size === 0) return;
    const late = new Promise((resolve) => setTimeout(resolve, most));
    await Promise.race([Promise.allSettled(this.#answers.values()), late]);
  }

  /** Each is given once. */
  take(address: string): Promise<Answer> | undefined {
    const answer = this.#isOver ? undefined : this.#answers.get(address);
    if (answer !== undefined) this.#answers.delete(address);
    return answer;
  }

  /** Gives no more of them: by now the server may answer otherwise. */
  end(): void {
    this.#isOver = true;
  }
}
