/** A case to judge, and its form in the address of the page. */
import { KNOWN_VERIFIERS, type KnownVerifier } from "@v-triune/schema/reward-defaults";

export interface Case {
  readonly verifier: KnownVerifier;
  readonly gold: string;
  readonly response: string;
  /** The verifier's parameters as JSON; empty for none. */
  readonly params: string;
}

/** The part of the address that gives a case. */
export const caseHash = ({ verifier, gold, response, params }: Case): string =>
  `#${new URLSearchParams({ verifier, gold, response, ...(params === "" ? {} : { params }) })}`;

/** The case in an address; undefined for one without. */
export function readCase(hash: string): Case | undefined {
  const query = new URLSearchParams(hash.slice(1));
  const verifier = KNOWN_VERIFIERS.find((name) => name === query.get("verifier"));
  if (verifier === undefined) return undefined;
  const text = (name: string): string => query.get(name) ?? "";
  return { verifier, gold: text("gold"), response: text("response"), params: text("params") };
}

/** Parameters as the verifier gets them, or what is wrong with their JSON. */
export function readParams(text: string): { readonly value?: Record<string, unknown>; readonly problem?: string } {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return { value: value as Record<string, unknown> };
    return { problem: "The parameters are not a JSON object." };
  } catch (error) {
    return { problem: `The parameters are not JSON: ${(error as Error).message}` };
  }
}

/** A case whose verdict a person holds for wrong, as a row of the verifiers' labeled tables. */
export function caseFile({ verifier, gold, response, params }: Case, right: 0 | 1): string {
  const row = { verifier, kind: "reported", gold, response, params: readParams(params).value ?? null, right };
  return `[\n  ${JSON.stringify(row)}\n]\n`;
}
