import type { Verdict, VerifierSample } from "../verifier";

/**
 * Lets a verifier see texts only. Callers outside TypeScript send anything: a response that is no string is an empty
 * one, and a gold answer that is not a text is the sample's fault.
 */
export function onTexts(
  verify: (response: string, sample: VerifierSample) => Verdict,
): (response: string, sample: VerifierSample) => Verdict {
  return (response: unknown, sample: VerifierSample) => {
    if (typeof sample?.groundTruth !== "string") return { status: "skipped", reason: "gold: not a string" };
    return verify(typeof response === "string" ? response : "", sample);
  };
}
