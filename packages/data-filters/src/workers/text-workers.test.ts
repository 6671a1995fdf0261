import { detectionGroundTruth } from "@v-triune/schema";
import { afterEach, describe, expect, it } from "vitest";
import type { TextTask } from "./text-tasks";
import { TextWorkers } from "./text-workers";

const open: TextWorkers[] = [];
afterEach(() => Promise.all(open.splice(0).map((workers) => workers.close())));

async function computed(
  task: TextTask,
  texts: readonly string[],
  count: number,
  expected = texts.length,
): Promise<string[]> {
  const workers = new TextWorkers(count);
  open.push(workers);
  async function* stream(): AsyncGenerator<string> {
    yield* texts;
  }
  const values: string[] = [];
  for await (const some of workers.compute(task, stream(), expected)) values.push(...some);
  return values;
}

/** Enough texts for threads. */
const golds = Array.from({ length: 4100 }, (_, i) => (i % 7 === 3 ? "}{" : i % 2 === 0 ? `${i}` : `\\frac{${i}}{7}`));

describe("TextWorkers", () => {
  it("gives the same values in the same order here and on any number of threads", async () => {
    const here = await computed("verified", golds, 1, 0);
    expect(here.slice(0, 5)).toEqual(["yes", "yes", "yes", expect.not.stringMatching(/^yes$/), "yes"]);
    for (const count of [1, 2, 4]) expect(await computed("verified", golds, count)).toEqual(here);
  });

  it("judges responses as the verifiers do", async () => {
    const box = { bbox_2d: [100, 100, 300, 300] as [number, number, number, number], label: "cat" };
    const boxes = { groundTruth: detectionGroundTruth([box]), seen: { width: 1000, height: 1000 } };
    const requests = [
      { response: "It is \\boxed{4}", groundTruth: "\\boxed{4}" },
      { response: "It is \\boxed{5}", groundTruth: "\\boxed{4}" },
      // A gold that cannot be read gives no verdict.
      { response: "\\boxed{4}", groundTruth: "" },
      { response: "<answer>\n[{'bbox_2d': [100, 100, 300, 300], 'label': 'cat'}]\n</answer>", ...boxes },
      { response: "<answer>\n[{'bbox_2d': [600, 600, 900, 900], 'label': 'cat'}]\n</answer>", ...boxes },
    ];
    const verdicts = await computed(
      "judged",
      requests.map((request) => JSON.stringify(request)),
      1,
    );
    expect(verdicts).toEqual(["1", "0", "", "1", "0"]);
  });

  it("rejects with the error of a thread, and after the threads are closed", async () => {
    const broken = golds.map((_, i) =>
      i === 1500 ? "no JSON" : JSON.stringify({ response: "\\boxed{1}", groundTruth: "\\boxed{1}" }),
    );
    await expect(computed("judged", broken, 2)).rejects.toThrow("no JSON");
    const workers = new TextWorkers(1);
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield "4";
    }
    const values = workers.compute("verified", endless(), Number.POSITIVE_INFINITY);
    expect((await values.next()).value).toHaveLength(512);
    await workers.close();
    await expect(
      values
        .next()
        .then(() => values.next())
        .then(() => values.next())
        .then(() => values.next()),
    ).rejects.toThrow("closed");
  });
});
