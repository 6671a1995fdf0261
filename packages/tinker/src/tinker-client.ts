/** A server of the Tinker API: what it has, and sessions on it. */
import { isRecord } from "@v-triune/node-kit/is-record";
import { awaitResult } from "./future";
import type { TinkerConnection } from "./connection";
import { type SessionOptions, TinkerSession } from "./tinker-session";
import { Transport, type TransportOptions, unreadable } from "./transport";
import type { ServerCapabilities, ServerModel } from "./wire";

export interface TinkerClientOptions extends TransportOptions {
  /**
   * Whether the server drops the second arrival of a training request (same model, same seq_id). Then a request whose
   * connection broke is sent again; otherwise it is uncertain whether it was done. Default: only what reports itself as
   * a server of @v-triune; `v-triune doctor --trainer` measures it.
   */
  readonly deduplicates?: boolean;
  /** How long results are waited for, in ms. Default 30 minutes. */
  readonly resultMs?: number;
}

/** A client of one server. */
export interface TinkerClient {
  readonly url: string;
  readonly capabilities: ServerCapabilities;
  readonly deduplicates: boolean;
  /** A session, kept alive by heartbeats until it is closed. @throws TinkerError */
  createSession(options?: SessionOptions): Promise<TinkerSession>;
}

/**
 * Connects to a server and reads what it has.
 *
 * @throws TinkerError `unreachable` when nobody answers in time, `unreadable` when the server has another API
 * @example const client = await connectTinker({ url: "http://127.0.0.1:8000", apiKey: process.env.TINKER_API_KEY });
 */
export async function connectTinker(options: TinkerClientOptions, signal?: AbortSignal): Promise<TinkerClient> {
  const transport = new Transport(options);
  const found = await transport.call("get_server_capabilities", {
    method: "GET",
    repeatable: true,
    quick: true,
    signal,
  });
  const capabilities = readCapabilities(found, transport.base);
  const deduplicates = options.deduplicates ?? isRecord(capabilities.v_triune);
  const { resultMs } = options;
  const connection: TinkerConnection = {
    transport,
    deduplicates,
    resultMs,
    run: async (path, body, given = {}) => {
      const reply = await transport.call(path, { body, repeatable: true, signal: given.signal });
      return awaitResult(transport, reply, path, {
        ...(resultMs === undefined ? {} : { timeoutMs: resultMs }),
        ...given,
      });
    },
  };
  return {
    url: transport.base,
    capabilities,
    deduplicates,
    createSession: (given) => TinkerSession.create(connection, given),
  };
}

function readCapabilities(body: Readonly<Record<string, unknown>>, base: string): ServerCapabilities {
  const models = body["supported_models"];
  if (!Array.isArray(models)) throw unreadable(base, "supported_models", body);
  const named = models.map((model: unknown): ServerModel => {
    if (typeof model === "string") return { model_name: model };
    // hatchery names them by model_id.
    const name = isRecord(model) ? (model["model_name"] ?? model["model_id"]) : undefined;
    if (isRecord(model) && typeof name === "string") return { ...model, model_name: name };
    throw unreadable(base, "models with a model_name", model);
  });
  return { ...(body as unknown as ServerCapabilities), supported_models: named };
}
