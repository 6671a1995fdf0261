/** Milliseconds of a frame that drawing takes before what is left waits for the next frame. */
const SHARE = 4;

/** Draws what has changed in turn, a little per frame: a page whose charts all change at once stays smooth. */
export class DrawingTurns {
  /** In the order in which they changed. */
  readonly #waiting = new Map<object, () => void>();
  #isAsked = false;

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
