// A browser's; the workspace is compiled without its types.
declare const MessageChannel: new () => {
  readonly port1: { addEventListener(type: "message", listener: () => void): void; start(): void; close(): void };
  readonly port2: { postMessage(message: undefined): void };
};

/**
 * Lets timers, signals, messages and finished rewards run between two steps of a long computation. A browser has no
 * setImmediate, and delays a nested setTimeout by 4 ms, which more than doubles the time of generation; a message to
 * oneself comes back at once.
 */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}
