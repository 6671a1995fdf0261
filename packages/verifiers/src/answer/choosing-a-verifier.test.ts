/** Runs every example of docs/choosing-a-verifier.md. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { choice } from "../choice/choice-verifier";
import { detection } from "../detection/detection-verifier";
import { jsonSchema } from "../json-schema/json-schema-verifier";
import { mathverify } from "../mathverify/mathverify-verifier";
import { number } from "../number/number-verifier";
import { point } from "../point/point-verifier";
import { text } from "../text/text-verifier";
import type { Verifier } from "../verifier";
import { answer } from "./answer-verifier";

const PAGE = readFileSync(resolve(import.meta.dirname, "../../../../docs/choosing-a-verifier.md"), "utf8");
const VERIFIERS = new Map(
  [answer, mathverify, choice, number, text, point, jsonSchema, detection].map((one) => [one.name, one]),
);

interface Example {
  readonly verifier: Verifier;
  readonly gold: string;
  readonly params: Record<string, unknown>;
  readonly response: string;
  readonly passes: boolean;
}

/** The rows of the page's tables that end in yes or no, by the names in the table's head. */
function examples(): Example[] {
  const found: Example[] = [];
  let head: string[] = [];
  for (const line of PAGE.split("\n")) {
    if (!line.startsWith("|")) continue;
    const cells = line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => cell.trim().replace(/^`(.*)`$/, "$1"));
    if (cells.includes("passes")) head = cells;
    else if (!head.includes("passes") || line.startsWith("|---")) continue;
    else {
      const cell = (name: string): string => cells[head.indexOf(name)] ?? "";
      if (cell("passes") !== "yes" && cell("passes") !== "no") throw new Error(`neither yes nor no: ${line}`);
      found.push({
        verifier: VERIFIERS.get(cell("verifier") || "answer")!,
        gold: cell("gold"),
        params: cell("parameters") ? (JSON.parse(cell("parameters")) as Record<string, unknown>) : typeOf(cell("type")),
        response: cell("response"),
        passes: cell("passes") === "yes",
      });
    }
  }
  return found;
}

const typeOf = (type: string): Record<string, unknown> => (type === "" || type === "(none)" ? {} : { type });

describe("docs/choosing-a-verifier.md", () => {
  const all = examples();

  it("has examples of every verifier", () => {
    expect(all.length).toBeGreaterThan(60);
    expect(new Set(all.map(({ verifier }) => verifier))).toEqual(new Set(VERIFIERS.values()));
  });

  it.each(all)("$verifier.name: gold $gold, response $response", ({ verifier, gold, params, response, passes }) => {
    const verdict = verifier.verify(response, { groundTruth: gold, params });
    expect(verdict).toMatchObject({ status: "scored", accuracy: passes ? 1 : 0 });
  });
});
