import { selectBackend } from "@v-triune/backend";
import { expect, it } from "vitest";
import { MOST_PARTS } from "./one-threaded";
import { workerCount } from "./worker-count";

it("starts no threads that would find nothing to do", async () => {
  await selectBackend({ prefer: "cpu" });
  expect(workerCount(3)).toBe(3);
  expect(workerCount(99)).toBe(MOST_PARTS);
});
