import { expect, it } from "vitest";
import { NoAnswerError } from "./http-json";
import { whileBusy } from "./while-busy";

const busy = (retryAfterMs?: number) => new NoAnswerError("busy", "HTTP 429: slow down", { retryAfterMs });

it("asks again until the server has time", async () => {
  let asked = 0;
  const answer = await whileBusy(
    async () => {
      asked += 1;
      if (asked < 3) throw busy();
      return "yes";
    },
    { shortestRestMs: 1 },
  );
  expect([answer, asked]).toEqual(["yes", 3]);
});

it("gives up when the server asks for more time than there is, and at once for other faults", async () => {
  for (const fault of [busy(120_000), new NoAnswerError("gone", "nobody listens there")]) {
    let asked = 0;
    const action = async () => {
      asked += 1;
      throw fault;
    };
    await expect(whileBusy(action)).rejects.toBe(fault);
    expect(asked).toBe(1);
  }
});

it("stops waiting when it is called off", async () => {
  const reason = new Error("called off");
  const controller = new AbortController();
  const waiting = whileBusy(async () => Promise.reject(busy(50_000)), { signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
