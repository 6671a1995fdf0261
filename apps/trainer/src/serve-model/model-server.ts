/** A server of the Tinker API over the policy of this repository: train and sample it from Python or TypeScript. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError } from "@v-triune/errors";
import { ModelApi } from "./model-api";
import { ModelDirectory } from "./model-directory";
import { type CompleteModelSettings, type ModelServerSettings, completeModelSettings } from "./model-settings";
import { ModelWorker, modelThreadFile } from "./model-worker";
import { RequestRefusal } from "./request-refusal";
import type { ReplyBody } from "./results";

/** A running model server. */
export interface ModelServer {
  /** Its address: `http://127.0.0.1:8000`. */
  readonly url: string;
  readonly port: number;
  /** The name of its model. */
  readonly model: string;
  /** What computes. */
  readonly backend: string;
  /** Time for which models were computed so far, in ms. */
  readonly workedMs: number;
  /** Ends the request that is at work, answers the others with an error, and frees all models. */
  close(): Promise<void>;
}

const PREFIX = "/api/v1/";

/**
 * Starts a model server; resolves when it listens.
 *
 * @param version of the program, which clients are told
 * @param note told what a person should know: models made and dropped, failures of the server itself
 * @throws VTriuneError for a folder that is no model or a backend that does not work; ConfigError for settings and
 *   addresses that cannot be used
 */
export async function startModelServer(
  given: ModelServerSettings,
  { version = "0.0.0", note = () => {} }: { readonly version?: string; readonly note?: (message: string) => void } = {},
): Promise<ModelServer> {
  const settings = completeModelSettings(given);
  const directory = new ModelDirectory(settings);
  const worker = new ModelWorker(await modelThreadFile(), settings, note, () => directory.clear());
  const backend = await worker.start();
  const api = new ModelApi(directory, worker, version, note);
  const isAllowed = keyCheck(settings.token);
  const http = createServer((request, response) => void serve(request, response, { api, settings, isAllowed, note }));
  http.requestTimeout = 120_000;
  // Longer than a client waits between two steps, so that it rarely meets a connection that was just closed.
  http.keepAliveTimeout = 75_000;
  const port = await listen(http, settings).catch(async (error: unknown) => {
    await api.close();
    throw error;
  });
  if (settings.token === undefined && !isLoopback(settings.host))
    note(`${settings.host} is reachable from other machines without a token; --token-file sets one`);
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  return {
    url: `http://${host}:${port}`,
    port,
    model: settings.name,
    backend,
    get workedMs() {
      return worker.workedMs;
    },
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      await api.close();
      http.closeIdleConnections();
      setTimeout(() => http.closeAllConnections(), 500).unref();
      await closed;
    },
  };
}

interface ServeParts {
  readonly api: ModelApi;
  readonly settings: CompleteModelSettings;
  readonly isAllowed: (request: IncomingMessage) => boolean;
  readonly note: (message: string) => void;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { api, settings, isAllowed, note }: ServeParts,
): Promise<void> {
  const send = (status: number, body: ReplyBody): void => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(text);
  };
  try {
    const { pathname } = new URL(request.url ?? "/", "http://server");
    const path = pathname.startsWith(PREFIX) ? pathname.slice(PREFIX.length) : pathname.slice(1);
    // Anyone may ask whether the server lives.
    if (path !== "healthz" && !isAllowed(request))
      throw new RequestRefusal(401, "X-API-Key: the key that this server was started with expected");
    const body = request.method === "POST" ? await readBytes(request, settings.bodyBytes) : Buffer.alloc(0);
    const waits = /^\s*wait\b/i.test(String(request.headers["prefer"] ?? ""));
    const reply = await api.answer(request.method ?? "GET", path, body, waits);
    send(reply.status, reply.body);
  } catch (error) {
    if (response.headersSent || response.destroyed) return;
    if (error instanceof RequestRefusal) {
      // The rest of a body that is too large is not read.
      if (error.status === 413) response.setHeader("connection", "close");
      return send(error.status, { detail: error.message });
    }
    note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    send(500, { detail: `the server failed: ${(error as Error).message}` });
  }
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const type = request.headers["content-type"] ?? "";
  // A page of another origin could send text without asking first.
  if (!/^application\/json *(;|$)/i.test(type))
    throw new RequestRefusal(
      415,
      `content-type: application/json expected, found ${type || "none"}; this server reads JSON, not protobuf`,
    );
  if ((request.headers["content-encoding"] ?? "identity") !== "identity")
    throw new RequestRefusal(415, "content-encoding: none expected; send the body uncompressed");
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > limit)
      throw new RequestRefusal(413, `the body is larger than ${limit} bytes; send fewer rows, or raise --max-body-mb`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

/** A check that takes the same time whatever is wrong: digests of equal length are compared. */
function keyCheck(token: string | undefined): (request: IncomingMessage) => boolean {
  if (token === undefined) return () => true;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = digest(token);
  return ({ headers }) => {
    const key = headers["x-api-key"];
    const given = typeof key === "string" ? key : /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
    return timingSafeEqual(digest(given ?? ""), expected) && given !== undefined;
  };
}

function listen(http: Server, { host, port }: CompleteModelSettings): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new ConfigError({
          what: `The server cannot listen on ${host}:${port}.`,
          expected: "a free address of this machine",
          found: cause.message,
          fix:
            cause.code === "EADDRINUSE" ? "stop what listens there, or choose another --port" : "choose another --host",
          cause,
        }),
      ),
    );
    http.listen({ host, port }, () => resolve((http.address() as AddressInfo).port));
  });
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.");
