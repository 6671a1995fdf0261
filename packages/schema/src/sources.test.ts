import { describe, expect, it } from "vitest";
import { sourceInfo, sources, TASKS } from "./sources";

describe("sources", () => {
  it("are 18, of the 8 tasks, with unique keys and file names", () => {
    expect(sources).toHaveLength(18);
    expect(new Set(sources.map((s) => s.key)).size).toBe(18);
    expect(new Set(sources.map((s) => `${s.task}/${s.fileSource}`)).size).toBe(18);
    expect([...new Set(sources.map((s) => s.task))].sort()).toEqual([...TASKS].sort());
  });

  it("reward boxes with the detection verifier and everything else with mathverify", () => {
    for (const info of sources) {
      const boxes = info.task === "detection" || info.task === "grounding";
      expect(info).toMatchObject(
        boxes ? { verifier: "detection", formatRatio: 0.1 } : { verifier: "mathverify", formatRatio: 0 },
      );
    }
  });

  it("suggest the nearest key", () => {
    expect(() => sourceInfo("geometrie3k")).toThrow("did you mean geometry3k?");
  });
});
