/** What models, samplers and sessions need of the client they belong to. */
import type { FutureOptions } from "./future";
import type { Transport } from "./transport";

export interface TinkerConnection {
  readonly transport: Transport;
  readonly deduplicates: boolean;
  readonly resultMs: number | undefined;
  /** Sends a request that may be repeated and waits for its result. */
  run(path: string, body: object, options?: FutureOptions): Promise<Readonly<Record<string, unknown>>>;
}

/** The session of a model or a sampler. */
export interface SessionContext {
  readonly connection: TinkerConnection;
  /** @throws TinkerError `lost` when the server has forgotten the session */
  check(): void;
  /** The number of the next sampler. */
  nextSampler(): number;
}
