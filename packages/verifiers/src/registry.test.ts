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
      'Unknown verifier "Detektion"; known: detection, choice. Did you mean "detection"?',
    );
    expect(() => registry.get("x".repeat(1000))).toThrow("known: detection, choice. Add it to the list");
  });

  it("refuses what is no verifier and a name given twice", () => {
    expect(() => createVerifierRegistry([named("")])).toThrow(VerifierRegistryError);
    expect(() => createVerifierRegistry([detection, detection])).toThrow('entry 1 repeats the name "detection"');
  });
});
