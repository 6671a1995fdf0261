import { describe, expect, it } from "vitest";
import { PendingRequest } from "./pending-request";
import { CLOSED_OUTCOME } from "./stream-through";

class Watched extends PendingRequest {
  ends = 0;
  protected override onEnd(): void {
    this.ends++;
  }
}
const pending = () => new Watched({ response: "", verifier: "any", sample: { groundTruth: "" } });

describe("PendingRequest", () => {
  it("keeps what settled it first, and ends once", async () => {
    const settled = pending();
    settled.settle(CLOSED_OUTCOME);
    settled.settle({ status: "skipped", reason: "too late" });
    settled.fail(new Error("too late"));
    settled.cancel();
    expect(await settled.outcome).toBe(CLOSED_OUTCOME);
    expect(settled.ends).toBe(1);
    const failed = pending();
    failed.fail(new Error("in time"));
    failed.settle(CLOSED_OUTCOME);
    await expect(failed.outcome).rejects.toThrow("in time");
  });

  it("never settles if it was canceled", async () => {
    const canceled = pending();
    canceled.cancel();
    canceled.settle(CLOSED_OUTCOME);
    expect(canceled).toMatchObject({ isSettled: true, ends: 1 });
    expect(await Promise.race([canceled.outcome, new Promise((later) => setTimeout(later, 5, "still open"))])).toBe(
      "still open",
    );
  });
});
