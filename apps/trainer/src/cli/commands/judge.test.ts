import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../run-command-line";

const folder = mkdtempSync(join(tmpdir(), "judge-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function response(text: string): string {
  const path = join(folder, "response.txt");
  writeFileSync(path, text);
  return path;
}

async function judge(...args: string[]) {
  let out = "";
  let err = "";
  const code = await runCommandLine(["judge", ...args], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  return { out, err, code };
}

describe("judge", () => {
  const file = () => response("<think>Is it \\boxed{4 cm}?</think> The width is **50 mm**.");

  it("exits with 0 for a right answer and with 1 for a wrong one", async () => {
    expect(await judge("--gold", "5 cm", "--response", file())).toMatchObject({ code: 0, err: "" });
    const wrong = await judge("--gold", "4 cm", "--response", file());
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/^wrong\n {2}accuracy +0\n/);
  });

  it("explains at 80 columns what was located, how it was read and why", async () => {
    const { out } = await judge("--gold", "5 cm", "--response", file(), "--explain");
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(out).toMatch(/type +number/);
    expect(out).toMatch(/cut by +thought/);
    expect(out).toMatch(/emphasis, characters \d+ to \d+\n +written +50 mm/);
    expect(out).toMatch(/because +5 on both sides/);
  });

  it("prints JSON", async () => {
    const { out } = await judge("--gold", "5 cm", "--response", file(), "--explain", "--json");
    const printed = JSON.parse(out) as { verdict: { accuracy: number }; explanation: { gold: { type: string } } };
    expect([printed.verdict.accuracy, printed.explanation.gold.type]).toEqual([1, "number"]);
  });

  it("asks any verifier, with parameters", async () => {
    const path = response("<answer>a dog</answer>");
    const args = [
      "--gold",
      "B",
      "--response",
      path,
      "--verifier",
      "choice",
      "--params",
      '{"choices": ["a cat", "a dog"]}',
    ];
    expect((await judge(...args)).code).toBe(0);
    expect(
      (await judge("--gold", "12-30", "--response", response("12 to 30"), "--params", '{"type": "code"}')).code,
    ).toBe(1);
  });

  it("exits with 2 and the reason when there is no verdict", async () => {
    const { code, out } = await judge("--gold", " ", "--response", file());
    expect(code).toBe(2);
    expect(out).toContain("gold: it is empty");
  });

  it.each([
    [["--response", "x"], /--gold is missing/],
    [["--gold", "4"], /--response is missing/],
    [["--gold", "4", "--response", "/none/such"], /response cannot be read/],
    [["--gold", "4", "--response", "/none/such", "--params", "{"], /cannot be read|no JSON object/],
  ])("says what is wrong with %j", async (args, message) => {
    const { code, err } = await judge(...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  it("names the verifiers there are", async () => {
    const { code, err } = await judge("--gold", "4", "--response", file(), "--verifier", "nobody");
    expect(code).toBe(2);
    expect(err).toContain("answer");
    expect((await judge("--gold", "4", "--response", file(), "--params", "[1]")).err).toContain("no JSON object");
  });
});
