import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BrokenReplyError, httpExchange } from "./http-exchange";

let server: Server;
let url: string;
const { signal } = new AbortController();

beforeAll(async () => {
  server = createServer(async (request, response) => {
    if (request.url === "/silent") return;
    if (request.url === "/gzip")
      return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("packed"));
    if (request.url === "/odd") return void response.writeHead(200, { "content-encoding": "odd" }).end("?");
    if (request.url === "/short") {
      response.writeHead(200, { "content-length": "100" }).write("half");
      return void setTimeout(() => response.destroy(), 20);
    }
    let text = "";
    for await (const part of request) text += String(part);
    response.writeHead(request.method === "GET" ? 404 : 200, { "x-port": String(request.socket.remotePort) });
    response.end(`${request.headers["content-length"] ?? "no body"} ${text}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it("sends pieces as one body, and the next request over the same connection", async () => {
  const body = ["one ", "", "two é"].map((text) => Buffer.from(text));
  const first = await httpExchange(url, { method: "POST", headers: {}, body, signal });
  expect(first).toMatchObject({ status: 200, text: "10 one two é" });
  const second = await httpExchange(url, { method: "GET", headers: {}, signal });
  expect(second).toMatchObject({ status: 404, statusText: "Not Found", text: "no body " });
  expect(second.headers["x-port"]).toBe(first.headers["x-port"]);
});

it("unpacks what a gateway compressed, and names what it cannot read", async () => {
  const get = (path: string) => httpExchange(`${url}/${path}`, { method: "GET", headers: {}, signal });
  expect((await get("gzip")).text).toBe("packed");
  await expect(get("odd")).rejects.toThrow("compressed with odd");
  const broken = await get("short").catch((error: unknown) => error);
  expect(broken instanceof BrokenReplyError || (broken as NodeJS.ErrnoException).code === "ECONNRESET").toBe(true);
});

it("says by its code that nobody listens, and ends with its signal", async () => {
  await expect(httpExchange("http://127.0.0.1:9", { method: "GET", headers: {}, signal })).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
  const leaving = new AbortController();
  const waiting = httpExchange(`${url}/silent`, { method: "GET", headers: {}, signal: leaving.signal });
  setTimeout(() => leaving.abort(), 20);
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
});
