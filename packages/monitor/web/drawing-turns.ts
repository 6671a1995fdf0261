/** Milliseconds of a frame that drawing takes before what is left waits for the next frame. */
const SHARE = 4;

/** Draws what has changed in turn, a little per frame: a page whose charts all change at once stays smooth. */
export class DrawingTurns {
  /** In the order in which they changed. */
  readonly #waiting = new Map<object, () => void>();
  #isAsked = false;
  /** The first of them is drawing. */
  readonly #newcomers: (() => void)[] = [];

  /**
   * Resolves when something may be drawn for the first time: one a task, in the order in which they asked, so that the
   * browser paints what stands before all is drawn.
   */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#newcomers.push(resolve);
      if (this.#newcomers.length === 1) this.#admit();
    });
  }

  #admit(): void {
    this.#newcomers[0]!();
    setTimeout(() => {
      this.#newcomers.shift();
      if (this.#newcomers.length > 0) this.#admit();
    });
  }

  /** @param owner has one place among those that wait, and keeps it when it changes again */
  add(owner: object, draw: () => void): void {
    this.#waiting.set(owner, draw);
    this.#ask();
  }

  #ask(): void {
    if (this.#isAsked || this.#waiting.size === 0) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      this.#drawSome(performance.now() + SHARE);
      this.#ask();
    });
  }

  #drawSome(until: number): void {
    for (const [owner, draw] of this.#waiting) {
      this.#waiting.delete(owner);
      draw();
      if (performance.now() >= until) return;
    }
  }
}
