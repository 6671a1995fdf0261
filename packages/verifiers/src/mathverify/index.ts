/** The `mathverify` verifier: Math-Verify's verdicts behind the Verifier seam. */
export { createMathverifyVerifier, mathverify, type MathverifyVerifierOptions } from "./mathverify-verifier";
