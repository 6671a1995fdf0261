import type { MetricSink } from "@v-triune/monitor";
import { TinkerError, type TinkerErrorCode } from "@v-triune/tinker";
import { expect, it } from "vitest";
import type { StepSummary, TrainingEvent } from "../training-event";
import { type GoOnOptions, goOnAfterLoss } from "./go-on-after-loss";

const failure = (code: TinkerErrorCode): TinkerError => new TinkerError({ what: "The server is new.", code });
const started = (fromStep: number): TrainingEvent =>
  ({ type: "started", fromStep, folder: "runs/a", backend: "none", trainable: 1, samples: 1 }) as const;
const step = (number: number): TrainingEvent => ({ type: "step", summary: { step: number } as StepSummary });
const saved = (number: number): TrainingEvent => ({ type: "saved", step: number, folder: "x" });

/** A run of some lives: each tells its events, then ends with its result or error. */
function livesOf(...lives: readonly (readonly [readonly TrainingEvent[], string | TinkerError])[]) {
  const seen: { resume: boolean | undefined; losses: number }[] = [];
  const train = async ({ listen, resume, sinks }: GoOnOptions, losses: number): Promise<string> => {
    const [events, end] = lives[Math.min(seen.length, lives.length - 1)]!;
    seen.push({ resume, losses });
    for (const event of events) listen?.(event);
    for (const sink of sinks ?? []) await sink.close();
    if (end instanceof TinkerError) throw end;
    return end;
  };
  return { seen, train };
}

it("goes on from the last checkpoint, says which steps are made again, and closes sinks once", async () => {
  const told: string[] = [];
  let closed = 0;
  const sink: MetricSink = { name: "mine", write: async () => {}, close: async () => void (closed += 1) };
  const { seen, train } = livesOf(
    [[started(0), step(1), saved(1), step(2), step(3)], failure("lost")],
    [[], failure("uncertain")],
    [[started(1), step(2)], "done"],
  );
  const listen = (event: TrainingEvent): void => {
    if (event.type === "engine") told.push(event.message);
  };
  expect(await goOnAfterLoss({ listen, overwrite: true, sinks: [sink] }, train)).toBe("done");
  expect(seen).toEqual([
    { resume: undefined, losses: 0 },
    { resume: true, losses: 1 },
    { resume: true, losses: 2 },
  ]);
  expect(told[0]).toBe(
    "The server is new. The run goes on from the checkpoint of step 1 with a new model; steps 2 to 3 are made again.",
  );
  expect(closed).toBe(1);
});

it("gives up after three losses without a new checkpoint, for a person who wants to stop, and for other errors", async () => {
  const again = livesOf([[started(0), step(1)], failure("lost")]);
  await expect(goOnAfterLoss({}, again.train)).rejects.toMatchObject({ code: "lost" });
  expect(again.seen).toHaveLength(4);
  const slow = livesOf(
    ...Array.from({ length: 6 }, () => [[started(0), step(1), saved(1)], failure("lost")] as const),
    [[], "done"],
  );
  expect(await goOnAfterLoss({}, slow.train)).toBe("done");
  const startedAgain = livesOf(
    [[started(0), step(1)], failure("lost")],
    [[], failure("failed")],
    [[started(0), step(1)], "done"],
  );
  expect(await goOnAfterLoss({}, startedAgain.train)).toBe("done");
  const failing = livesOf([[started(0), step(1)], failure("lost")], [[started(0)], failure("failed")]);
  await expect(goOnAfterLoss({}, failing.train)).rejects.toMatchObject({ code: "failed" });
  expect(failing.seen).toHaveLength(2);
  const stopped = livesOf([[], failure("lost")]);
  await expect(goOnAfterLoss({ interruption: { requested: true } }, stopped.train)).rejects.toMatchObject({
    code: "lost",
  });
  expect(stopped.seen).toHaveLength(1);
  const refused = livesOf([[], failure("refused")]);
  await expect(goOnAfterLoss({}, refused.train)).rejects.toMatchObject({ code: "refused" });
  expect(refused.seen).toHaveLength(1);
});
