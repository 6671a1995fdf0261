import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { isDeeperThan } from "./nesting";
import { CLIENT_GONE, RefusalError } from "./refusal-error";

const MOST_LEVELS = 32;
const JSON_TYPE = /^application\/([\w.-]+\+)?json *(;|$)/i;

/**
 * Reads and parses a body, straight from Node's stream: a body over the limit is refused before it is in memory.
 *
 * A body whose type is not JSON is refused: a page of another origin could send text without asking first, and would
 * then use this server although CORS is off. A body without a type counts as JSON, unless it comes from a page.
 *
 * @throws RefusalError 413 over the limit, 415 for a compressed body or another type, 400 with the place for what is
 *   not JSON
 */
export async function readJson(incoming: IncomingMessage, limit: number): Promise<unknown> {
  const encoding = incoming.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    throw new RefusalError(
      415,
      "unsupported-encoding",
      `content-encoding ${JSON.stringify(encoding)} is not read here; send the body uncompressed`,
    );
  const type = incoming.headers["content-type"];
  if (type === undefined ? incoming.headers.origin !== undefined : !JSON_TYPE.test(type)) {
    throw new RefusalError(
      415,
      "unsupported-type",
      `content-type ${type === undefined ? "(none)" : JSON.stringify(type.slice(0, 100))} is not read here; send ` +
        "JSON with content-type: application/json",
    );
  }
  if (Number(incoming.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const bytes = await readBytes(incoming, limit);
  if (!isUtf8(bytes))
    throw new RefusalError(400, "malformed-json", "the body is not JSON: it is not UTF-8", { field: "body" });
  const text = bytes.toString("utf8");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw new RefusalError(
      400,
      "malformed-json",
      `the body is not JSON: ${text === "" ? "it is empty" : (error as Error).message}`,
      { field: "body" },
    );
  }
  // Code that walks or copies a body may recurse; a million brackets must not exhaust its stack.
  if (isDeeperThan(body, MOST_LEVELS))
    throw new RefusalError(
      400,
      "invalid-request",
      `body: at most ${MOST_LEVELS} levels of nesting expected, found more`,
      { field: "body" },
    );
  return body;
}

function readBytes(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = () => {
      incoming.off("data", take);
      incoming.off("end", end);
      incoming.off("close", gone);
      incoming.off("error", gone);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      stop();
      // The rest is read and dropped; the connection is closed after the reply.
      incoming.resume();
      reject(tooLarge(limit));
    };
    const end = () => {
      stop();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const gone = () => {
      stop();
      reject(CLIENT_GONE);
    };
    incoming.on("data", take);
    incoming.on("end", end);
    incoming.on("close", gone);
    incoming.on("error", gone);
  });
}

function tooLarge(limit: number): RefusalError {
  return new RefusalError(
    413,
    "body-too-large",
    `the body is larger than ${limit} bytes; send smaller batches, or start the server with a larger --max-body-mb`,
    { limit },
    { connection: "close" },
  );
}
