import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { completeModelSettings } from "./model-settings";
import { ModelWorker } from "./model-worker";

const folder = mkdtempSync(join(tmpdir(), "v-triune-model-worker-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("fails what a thread that ends was asked, tells that its models are gone, and starts another one", async () => {
  const file = join(folder, "thread.mjs");
  writeFileSync(
    file,
    `import { parentPort } from "node:worker_threads";
    parentPort.on("message", ({ job, name }) => {
      if (name === "optimStep") throw new Error("out of luck");
      parentPort.postMessage({ type: "done", job, outcome: { value: name }, ms: 2 });
    });
    parentPort.postMessage({ type: "ready", backend: "none" });`,
  );
  const notes: string[] = [];
  let losses = 0;
  const worker = new ModelWorker(
    pathToFileURL(file),
    completeModelSettings({ model: folder, token: "tml-secret" }),
    (message) => notes.push(message),
    () => (losses += 1),
  );
  expect(await worker.start()).toBe("none");
  expect(await worker.do("unload", "one")).toEqual({ value: "unload" });
  expect(await worker.do("optimStep", "one", {})).toEqual({
    error: "the thread that computes has ended (out of luck); its models are gone",
    category: "server",
  });
  expect([losses, notes]).toEqual([1, ["the thread that computes has ended (out of luck); its models are gone"]]);
  expect(await worker.do("unload", "two")).toEqual({ value: "unload" });
  expect(worker.workedMs).toBe(4);
  await worker.close();
  expect(losses).toBe(1);
});

it("cannot start with a thread that does not", async () => {
  const file = join(folder, "broken.mjs");
  writeFileSync(file, `throw new Error("no such thing");`);
  const worker = new ModelWorker(
    pathToFileURL(file),
    completeModelSettings({ model: folder }),
    () => {},
    () => {},
  );
  await expect(worker.start()).rejects.toThrow("no such thing");
});
