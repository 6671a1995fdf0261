/** For tests: a server of canned answers, to each request by what `answer` makes of its path and body. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A reply that is more than JSON with a 200. */
export class CannedReply {
  constructor(
    readonly status: number,
    readonly body: string | Buffer,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

export interface CannedServer {
  readonly url: string;
  stop(): void;
}

/** @param answer undefined is a 404, a {@link CannedReply} itself, and anything else JSON */
export async function startCannedServer(
  answer: (path: string, body: Record<string, unknown> | undefined) => unknown,
): Promise<CannedServer> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const reply = answer(request.url ?? "", text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>));
      const json = new CannedReply(reply === undefined ? 404 : 200, JSON.stringify(reply ?? {}));
      const { status, body, headers } = reply instanceof CannedReply ? reply : json;
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
