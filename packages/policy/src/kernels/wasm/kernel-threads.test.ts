import { describe, expect, it, vi } from "vitest";
import { ASKED, DONE, MAIL_WORDS } from "./kernel-mailbox";
import { KernelThreads } from "./kernel-threads";
import { OwnMemory } from "./own-memory";

describe("a kernel thread", () => {
  it("that is woken by a late notice, without a new job, runs none", async () => {
    const memory = OwnMemory.open(true)!;
    const allocate = vi.spyOn(memory, "allocate");
    const threads = new KernelThreads(memory, 1);
    const mailbox = memory.ints(allocate.mock.results[0]!.value as number, MAIL_WORDS);
    const wake = () => vi.waitUntil(() => Atomics.notify(mailbox, ASKED) === 1, { timeout: 20_000 });
    await wake();
    await wake();
    expect(Atomics.load(mailbox, DONE)).toBe(0);
    threads.close();
  });
});
