/** For tests: the built site below a path, as any static file server would serve it. */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export interface Site {
  /** With a slash at its end. */
  readonly url: string;
  /** Files that were asked for, and their bytes as a server sends them that compresses all but the weights. */
  readonly sent: Map<string, number>;
  /** Files that were asked for and that the site does not have. */
  readonly missing: Set<string>;
  /** What `POST /result` got. */
  readonly result: Promise<string>;
  close(): Promise<void>;
}

/** @param pages further files by name */
export async function serveSite(
  folder: string,
  pages: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Site> {
  const sent = new Map<string, number>();
  const missing = new Set<string>();
  let resolve: (text: string) => void = () => undefined;
  const result = new Promise<string>((fulfill) => (resolve = fulfill));
  const server = createServer(async (request, response) => {
    const name = new URL(request.url!, "http://localhost").pathname.replace(/^\/below\/a\/path\//, "");
    if (request.method === "POST") {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      resolve(Buffer.concat(parts).toString());
      response.end();
      return;
    }
    const file = join(folder, name);
    const bytes = pages[name] ?? (name !== "" && existsSync(file) ? readFileSync(file) : undefined);
    if (bytes === undefined) {
      missing.add(name);
      response.writeHead(404).end();
      return;
    }
    const extension = extname(name);
    sent.set(name, extension === ".safetensors" ? bytes.length : gzipSync(bytes).length);
    response.writeHead(200, { "content-type": TYPES[extension] ?? "application/octet-stream" }).end(bytes);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/a/path/`,
    sent,
    missing,
    result,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
