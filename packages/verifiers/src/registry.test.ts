import { describe, expect, it } from "vitest";
import { detection } from "./detection/detection-verifier";
import { UnknownVerifierError, VerifierRegistryError, createVerifierRegistry } from "./registry";
import type { Verifier } from "./verifier";

const named = (name: string): Verifier => ({
  name,
  verify: () => ({ status: "scored", accuracy: 1, format: 1, metrics: {} }),
});

describe("createVerifierRegistry", () => {
  it("finds verifiers by name, in the order given", () => {
    const registry = createVerifierRegistry([detection, named("choice")]);
    expect(registry.names).toEqual(["detection", "choice"]);
    expect(registry.get("detection")).toBe(detection);
    expect(registry.has("mathverify")).toBe(false);
  });

  it("names the known verifiers and the nearest one", () => {
    const registry = createVerifierRegistry([detection, named("choice")]);
    expect(() => registry.get("Detektion")).toThrow(UnknownVerifierError);
    expect(() => registry.get("Detektion")).toThrow(
      'Unknown verifier "Detektion".\n  expected: one of detection, choice\n  fix:      did you mean "detection"?',
    );
    expect(() => registry.get("x".repeat(1000))).toThrow(/one of detection, choice\n.*add it to the list/);
    expect(() => createVerifierRegistry([]).get("x")).toThrow("which is empty");
  });

  it("refuses what is not a verifier and a name given twice", () => {
    expect(() => createVerifierRegistry([named("")])).toThrow(VerifierRegistryError);
    expect(() => createVerifierRegistry([detection, detection])).toThrow(
      /Two verifiers have the name "detection"[^]*entry 1/,
    );
  });
});
