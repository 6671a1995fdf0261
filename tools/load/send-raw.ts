import { connect } from "node:net";

/**
 * Sends bytes to a port of this machine over a connection of their own, and gives the status line's number; 0 where
 * none came.
 */
export function sendRaw(port: number, bytes: Buffer, halfClose: boolean, timeoutMs = 20_000): Promise<number> {
  return new Promise((done) => {
    let text = "";
    const socket = connect({ port, host: "127.0.0.1" }, () => (halfClose ? socket.end(bytes) : socket.write(bytes)));
    const finish = (status: number) => {
      clearTimeout(timer);
      socket.destroy();
      done(status);
    };
    const timer = setTimeout(() => finish(0), timeoutMs);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      // A refusal may come while the body is still on its way, and ends the exchange.
      const status = /^HTTP\/1\.1 (\d{3}) [\s\S]*?\r\n\r\n/.exec(text)?.[1];
      if (status !== undefined) finish(Number(status));
    });
    socket.on("error", () => finish(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)));
    socket.on("close", () => finish(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)));
  });
}
