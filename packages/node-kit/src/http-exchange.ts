/**
 * One HTTP/1.1 request and its whole reply, over kept connections. For servers that may take many minutes: the global
 * `fetch` gives up on the head of a reply after five minutes, and takes several times the processor time.
 */
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { brotliDecompressSync, unzipSync } from "node:zlib";

export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Pieces that are sent one after another; none: no body. */
  readonly body?: readonly Uint8Array[] | undefined;
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A reply that cannot be read to its end, or unpacked. */
export class BrokenReplyError extends Error {
  override readonly name = "BrokenReplyError";

  constructor(
    /** `ended`: the connection broke off; `unknown-encoding`: compressed in a way that was not asked for. */
    readonly kind: "ended" | "unknown-encoding",
    message: string,
  ) {
    super(message);
  }
}

/** A host that takes longer to accept a connection counts as away. */
const CONNECT_MS = 10_000;

const agents = { "http:": new HttpAgent({ keepAlive: true }), "https:": new HttpsAgent({ keepAlive: true }) };

/**
 * Sends a request and reads the reply whole, whatever its status. Redirects are not followed.
 *
 * @throws BrokenReplyError; an Error with the `code` of the system for a connection that fails; AbortError
 */
export async function httpExchange(url: string, request: HttpRequest): Promise<HttpReply> {
  const response = await send(new URL(url), request);
  const { statusCode = 0, statusMessage = "", headers } = response;
  return { status: statusCode, statusText: statusMessage, headers, text: await readText(response) };
}

function send(url: URL, { method, headers, body, signal }: HttpRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const protocol = url.protocol as keyof typeof agents;
    const length = body?.reduce((sum, piece) => sum + piece.byteLength, 0);
    const request = (protocol === "https:" ? httpsRequest : httpRequest)(
      url,
      {
        method,
        agent: agents[protocol],
        signal,
        headers: { ...headers, ...(length === undefined ? {} : { "content-length": String(length) }) },
      },
      resolve,
    );
    request.on("error", reject);
    request.once("socket", (socket) => {
      if (!socket.connecting) return;
      const late = Object.assign(new Error(`no connection within ${CONNECT_MS / 1000} s`), { code: "ETIMEDOUT" });
      const timer = setTimeout(() => request.destroy(late), CONNECT_MS);
      for (const event of ["connect", "close"]) socket.once(event, () => clearTimeout(timer));
    });
    for (const piece of body ?? []) request.write(piece);
    request.end();
  });
}

function readText(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    response.on("data", (part: Buffer) => parts.push(part));
    response.on("error", reject);
    response.on("end", () => {
      try {
        if (!response.complete) throw new BrokenReplyError("ended", "the reply broke off");
        resolve(unpacked(Buffer.concat(parts), response.headers["content-encoding"]).toString("utf8"));
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

/** Nothing compressed is asked for, but some gateways compress all the same. */
function unpacked(bytes: Buffer, encoding = "identity"): Buffer {
  try {
    if (["gzip", "x-gzip", "deflate"].includes(encoding)) return unzipSync(bytes);
    if (encoding === "br") return brotliDecompressSync(bytes);
  } catch (error) {
    throw new BrokenReplyError("ended", `a reply that is not ${encoding}, as it says: ${String(error)}`);
  }
  if (encoding === "identity" || encoding === "") return bytes;
  throw new BrokenReplyError(
    "unknown-encoding",
    `a reply compressed with ${encoding.slice(0, 40)}, which was not asked for`,
  );
}
