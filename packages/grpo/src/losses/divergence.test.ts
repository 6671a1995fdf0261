/** Losses and gradients of TRL; tools/goldens/divergence says how they were made. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { divergence } from "./divergence";

interface Case {
  /** Whose likeliest tokens are compared. */
  readonly over: "policy" | "teacher";
  readonly k: number;
  readonly alpha: number;
  readonly tail: boolean;
  readonly student: readonly (readonly number[])[];
  readonly teacher: readonly (readonly number[])[];
  readonly losses: readonly number[];
  readonly gradient: readonly (readonly number[])[];
}
const { cases } = JSON.parse(
  readFileSync(new URL("../../../../tools/goldens/divergence/divergence.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[] };

function logSoftmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  return logits.map((logit) => logit - most - total);
}

/** The gradient in the logits: d log p_i / d z_j = [i = j] - p_j. */
function byLogit(gradient: Float64Array, tokens: readonly number[], logP: readonly number[]): number[] {
  const sum = gradient.reduce((a, b) => a + b, 0);
  return logP.map((log, token) => {
    const place = tokens.indexOf(token);
    return (place < 0 ? 0 : gradient[place]!) - sum * Math.exp(log);
  });
}

describe("divergence", () => {
  it("has TRL's losses and gradients", () => {
    expect(cases.length).toBeGreaterThan(15);
    for (const { over, k, alpha, tail, student, teacher, losses, gradient } of cases)
      for (const [t, logits] of student.entries()) {
        const logP = logSoftmax(logits);
        const logQ = logSoftmax(teacher[t]!);
        const chosen = over === "policy" ? logP : logQ;
        const top = [...chosen.keys()].sort((a, b) => chosen[b]! - chosen[a]!).slice(0, k);
        const found = divergence(
          top.map((token) => logP[token]!),
          top.map((token) => logQ[token]!),
          { alpha, tail },
        );
        const name = `over the ${over}'s, k ${k}, alpha ${alpha}, tail ${tail}, token ${t}`;
        expect(found.value, name).toBeCloseTo(losses[t]!, 12);
        byLogit(found.gradient, top, logP).forEach((value, token) =>
          expect(value, name).toBeCloseTo(gradient[t]![token]!, 12),
        );
      }
  });

  it("is 0 without a gradient at the teacher itself, also where the tokens have all of the probability", () => {
    for (const alpha of [0, 0.5, 1])
      for (const logs of [[0.5, 0.25, 0.25].map(Math.log), [0, -40, -Infinity]]) {
        const { value, gradient } = divergence(logs.slice(0, 2), logs.slice(0, 2), { alpha, tail: true });
        expect(Math.abs(value)).toBeLessThan(1e-6);
        byLogit(gradient, [0, 1], logs).forEach((number) => expect(Math.abs(number)).toBeLessThan(1e-6));
      }
  });
});
