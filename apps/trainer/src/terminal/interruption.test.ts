import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { catchInterruption } from "./interruption";

function setUp() {
  const source = new EventEmitter();
  const said: string[] = [];
  const exits: number[] = [];
  const clock = { at: 0 };
  const interruption = catchInterruption({
    message: "after this step",
    source,
    print: (text) => said.push(text),
    exit: (code) => exits.push(code),
    now: () => clock.at,
  });
  return { source, said, exits, clock, interruption };
}

it("asks the run to end at the first signal and stops at the second", () => {
  const { source, said, exits, clock, interruption } = setUp();
  expect(interruption.requested).toBe(false);
  source.emit("SIGINT");
  expect(interruption.requested).toBe(true);
  expect(interruption.signal.aborted).toBe(true);
  expect(said).toEqual(["after this step"]);
  expect(exits).toEqual([]);
  clock.at = 1000;
  source.emit("SIGINT");
  expect(exits).toEqual([130]);
});

it("takes signals that come together for one key press", () => {
  const { source, exits, clock } = setUp();
  source.emit("SIGINT");
  clock.at = 50;
  source.emit("SIGINT");
  clock.at = 120;
  source.emit("SIGINT");
  expect(exits).toEqual([]);
});

it("takes SIGTERM for the same request, with its own exit code", () => {
  const { source, exits, clock, interruption } = setUp();
  source.emit("SIGTERM");
  expect(interruption.requested).toBe(true);
  clock.at = 5000;
  source.emit("SIGTERM");
  expect(exits).toEqual([143]);
});

it("gives the signals back", () => {
  const { source, interruption } = setUp();
  interruption.dispose();
  expect(source.listenerCount("SIGINT") + source.listenerCount("SIGTERM")).toBe(0);
});
