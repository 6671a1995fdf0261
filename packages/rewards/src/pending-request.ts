import type { RewardRequest } from "./reward-source";
import type { RewardOutcome } from "./score-request";

/** A request from its submission to its outcome. What settles it first counts. */
export class PendingRequest {
  readonly request: RewardRequest;
  readonly outcome: Promise<RewardOutcome>;
  #isSettled = false;
  #resolve: (outcome: RewardOutcome) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(request: RewardRequest) {
    this.request = request;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  settle(outcome: RewardOutcome): void {
    this.#end(() => this.#resolve(outcome));
  }

  fail(error: unknown): void {
    this.#end(() => this.#reject(error));
  }

  /** Nobody wants the outcome any more; its promise then never settles. */
  cancel(): void {
    this.#end(() => {});
  }

  /** Called once, when the request is settled or canceled. */
  protected onEnd(): void {}

  #end(how: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    how();
    this.onEnd();
  }
}
