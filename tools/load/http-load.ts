/**
 * A load generator for one address of this machine: `concurrency` requests at once, each as soon as the last was
 * answered.
 */
import { Agent, request as httpRequest } from "node:http";

/** One request body and what its reply must be. */
export interface LoadRequest {
  readonly path: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Throws, or returns false, for a wrong reply. */
  readonly check: (status: number, text: string) => boolean;
  /** Which latencies it counts among. */
  readonly kind: string;
}

/** What came of a run. */
export interface LoadReport {
  readonly answered: number;
  readonly wrong: number;
  readonly seconds: number;
  /** Milliseconds by kind. */
  readonly latency: ReadonlyMap<string, Latencies>;
  /** The first wrong replies, for people. */
  readonly examples: readonly string[];
}

/** Latencies of one kind of request, milliseconds. */
export class Latencies {
  readonly #values: number[] = [];
  #sorted = false;
  add(ms: number): void {
    this.#values.push(ms);
    this.#sorted = false;
  }
  get count(): number {
    return this.#values.length;
  }
  /** The value below which a share of them lies. */
  quantile(share: number): number {
    if (!this.#sorted) this.#values.sort((a, b) => a - b);
    this.#sorted = true;
    return this.#values[Math.min(this.#values.length - 1, Math.floor(share * this.#values.length))] ?? Number.NaN;
  }
}

/**
 * Sends `count` requests.
 *
 * @param pick the i-th request
 * @param rate most requests a second; unlimited unless given
 * @throws RangeError for an address that is not this machine's
 */
export async function runLoad(
  url: string,
  pick: (index: number) => LoadRequest,
  options: { readonly count: number; readonly concurrency: number; readonly rate?: number; readonly forMs?: number },
): Promise<LoadReport> {
  const { hostname, port } = new URL(url);
  if (hostname !== "127.0.0.1")
    throw new RangeError(`load is only for servers of this machine, 127.0.0.1; found ${hostname}`);
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  const latency = new Map<string, Latencies>();
  const examples: string[] = [];
  const state = { next: 0, answered: 0, wrong: 0 };
  const started = performance.now();

  const send = (load: LoadRequest): Promise<void> =>
    new Promise((done) => {
      const since = performance.now();
      const finish = (isRight: boolean, what: () => string) => {
        let found = latency.get(load.kind);
        if (found === undefined) latency.set(load.kind, (found = new Latencies()));
        found.add(performance.now() - since);
        state.answered++;
        if (!isRight) {
          state.wrong++;
          if (examples.length < 5) examples.push(`${load.kind}: ${what().slice(0, 200)}`);
        }
        done();
      };
      const request = httpRequest(
        {
          agent,
          hostname,
          port,
          path: load.path,
          method: "POST",
          headers: { "content-type": "application/json", "content-length": load.body.length, ...load.headers },
        },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => void chunks.push(chunk));
          reply.on("end", () => {
            const text = chunks.length === 1 ? (chunks[0] as Buffer).toString() : Buffer.concat(chunks).toString();
            finish(load.check(reply.statusCode ?? 0, text), () => `${reply.statusCode} ${text}`);
          });
          reply.on("error", (error) => finish(false, () => String(error)));
        },
      );
      request.on("error", (error) => finish(false, () => String(error)));
      request.end(load.body);
    });

  const lane = async () => {
    while (state.next < options.count && performance.now() - started < (options.forMs ?? Infinity)) {
      const index = state.next++;
      if (options.rate !== undefined) {
        const wait = started + (index / options.rate) * 1000 - performance.now();
        if (wait > 0.5) await new Promise((later) => setTimeout(later, wait));
      }
      await send(pick(index));
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, lane));
  agent.destroy();
  return {
    answered: state.answered,
    wrong: state.wrong,
    seconds: (performance.now() - started) / 1000,
    latency,
    examples,
  };
}
