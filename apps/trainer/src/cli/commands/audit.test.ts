import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRewardServer } from "@v-triune/reward-server";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../run-command-line";

const folder = mkdtempSync(join(tmpdir(), "audit-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const golds = file("golds.jsonl", '{"gold": "12"}\n{"gold": "5 cm", "response": "50 mm", "label": 1}\n"red"\n');

async function audit(...args: string[]) {
  const text = { out: "", err: "" };
  const code = await runCommandLine(["audit", ...args], {
    out: (more) => void (text.out += more),
    err: (more) => void (text.err += more),
  });
  return { code, ...text };
}
const SMALL = ["--pairs", golds, "--search-calls", "40", "--rows", "3"];

describe("audit", () => {
  it("audits a built-in verifier, prints a table at 80 columns and writes JSON", async () => {
    const report = join(folder, "report.json");
    const { code, out, err } = await audit("answer", ...SMALL, "--json", report);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Audit of answer: 3 golds/);
    expect(out).toMatch(/labels missed +0\/1/);
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({ verifier: "answer", rows: 3, failures: [] });
    expect(JSON.parse((await audit("answer", ...SMALL, "--json", "-")).out)).toMatchObject({ seed: 1 });
  });

  it("exits with 1 by its thresholds", async () => {
    const contains = file(
      "contains.mjs",
      'export const contains = { name: "contains", verify: (r, { groundTruth }) => ({ status: "scored", ' +
        "accuracy: r.includes(groundTruth) ? 1 : 0, format: 0, metrics: {} }) };",
    );
    const { code, err } = await audit(`${contains}#contains`, ...SMALL, "--max-exploits", "0", "--max-false-fail", "0");
    expect(code).toBe(1);
    expect(err).toMatch(/failed: the share of false passes is 0\.\d+, over 0\.005/);
    expect(err).toMatch(/the share of false fails/);
    expect((await audit(`${contains}#contains`, ...SMALL, "--max-false-pass", "1")).code).toBe(0);
  });

  it("exits with 1 when the verifier hangs or throws", async () => {
    const hanging = file(
      "hanging.mjs",
      'export default { name: "hanging", verify(r) { if (r.length > 20) for (;;); return { status: "scored", accuracy: 0, format: 0, metrics: {} }; } };',
    );
    const { code, err, out } = await audit(hanging, ...SMALL, "--deadline-ms", "60");
    expect(code).toBe(1);
    expect(err).toContain("timed out");
    expect(out).toContain("stopped early");
  });

  it("asks a reward server in each of its shapes", async () => {
    const server = await startRewardServer({ port: 0, workers: 1, logLevel: "silent", defaultVerifier: "answer" });
    try {
      for (const path of ["/openrlhf", "/slime", "/judge", "/v1/score"]) {
        const name = path === "/judge" || path === "/v1/score" ? ["answer"] : [];
        const { code, out, err } = await audit(...name, ...SMALL, "--url", server.url + path);
        expect({ path, code, err }).toEqual({ path, code: 0, err: "" });
        expect(out).toContain("false passes        0/");
      }
    } finally {
      await server.drain();
    }
  });

  it.each([
    [["answer"], /--pairs is missing/],
    [["--pairs", golds], /no verifier to audit/],
    [["anser", "--pairs", golds], /did you mean answer\?/],
    [["./nobody.ts", "--pairs", golds], /module cannot be found/],
    [["answer", "--pairs", join(folder, "none.jsonl")], /pairs cannot be read/],
    [["answer", "--pairs", file("b.jsonl", '{"glod": 1}')], /did you mean gold\?/],
    [["answer", "--pairs", file("b.txt", "4")], /format of the pairs/],
    [[file("empty.mjs", "export {};"), "--pairs", golds], /no export "default"/],
    [["--pairs", golds, "--url", "http://127.0.0.1:9/slime"], /Nothing answers/],
    [["--pairs", golds, "--url", "http://127.0.0.1:9/x"], /does not say how/],
    [["answer", "--pairs", golds, "--max-false-pass", "2"], /a share from 0 to 1/],
    [["answer", "--pairs", golds, "--params", "["], /no JSON object/],
    [["number", "--pairs", golds, "--params", '{"tolerance": "x"}'], /scores no response[^]*tolerance/],
  ])("says what is wrong with %j", async (args, message) => {
    const { code, err } = await audit(...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
