/**
 * Puts together what the charts of a page ask at the same time: a browser and its server take some milliseconds for
 * each request, and a page has a dozen charts.
 */
import type { NamedSeries } from "../src/dashboard/dashboard-api";
import type { SeriesQuestion } from "./backend";
import { questionAddress } from "./question-address";

/** Characters of the address of a request. Servers take 16,000 with all headers. */
const LONGEST_ADDRESS = 6_000;

interface Waiting {
  readonly run: string;
  readonly question: SeriesQuestion;
  readonly resolve: (answer: Promise<readonly NamedSeries[]>) => void;
}

const parameters = ({ run, question: { names, metrics, ...rest } }: Waiting) => ({
  run,
  name: names,
  metric: metrics,
  ...rest,
});

const asOneOfSeveral = (one: Waiting): string => questionAddress("", parameters(one)).split("?")[1]!;

export class SeriesQuestions {
  readonly #answer: (address: string) => Promise<unknown>;
  #waiting: Waiting[] = [];

  /** @param answer the answer of the server at an address */
  constructor(answer: (address: string) => Promise<unknown>) {
    this.#answer = answer;
  }

  /** The answer to a question; those that are asked until the code that runs has ended share requests. */
  ask(run: string, question: SeriesQuestion): Promise<readonly NamedSeries[]> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#send());
      this.#waiting.push({ run, question, resolve });
    });
  }

  #send(): void {
    const rest = this.#waiting;
    this.#waiting = [];
    while (rest.length > 0) {
      let taken = 1;
      while (taken < rest.length && addressOf(rest.slice(0, taken + 1)).length <= LONGEST_ADDRESS) taken += 1;
      this.#sendTogether(rest.splice(0, taken));
    }
  }

  #sendTogether(asked: readonly Waiting[]): void {
    const answer = this.#answer(addressOf(asked)) as Promise<readonly NamedSeries[]>;
    if (asked.length === 1) return asked[0]!.resolve(answer);
    const several = answer as Promise<unknown> as Promise<readonly (readonly NamedSeries[])[]>;
    for (const [index, { resolve }] of asked.entries()) resolve(several.then((answers) => answers[index]!));
  }
}

function addressOf(asked: readonly Waiting[]): string {
  return asked.length === 1
    ? questionAddress("series", parameters(asked[0]!))
    : questionAddress("charts", { chart: asked.map(asOneOfSeveral) });
}
