/** An audit as text, 80 columns wide. */
import type { AuditReport, Exploit, Share, WrongVerdict } from "./audit-types";

const WIDTH = 80;
const MOST_WORST = 16;
const MOST_EXPLOITS = 6;
const MOST_GROWTHS = 4;

/** @param verifier its name, for the first line */
export function formatAudit(report: AuditReport, verifier: string): string {
  const { falsePasses, falseFails, labels, cost } = report;
  return [
    cut(`Audit of ${verifier}: ${report.rows} golds, ${report.calls} calls, seed ${report.seed}`),
    "",
    `  false passes   ${shareText(falsePasses)}   wrong responses that pass`,
    `  false fails    ${shareText(falseFails)}   right responses that fail`,
    ...(labels.tried > 0 ? [`  labels missed  ${shareText(labels)}   of your labeled responses`] : []),
    `  exploits       ${String(report.exploits.length).padStart(16)}`,
    ...failureLines(report),
    ...(report.isStopped ? ["  The audit stopped early: too many calls timed out."] : []),
    `  time           p50 ${time(cost.p50Ms)}, p99 ${time(cost.p99Ms)}`,
    ...kindLines(report),
    ...wrappingLines(report),
    ...worstLines(report.worst),
    ...exploitLines(report.exploits),
    ...growthLines(report),
    ...skippedLines(report),
  ].join("\n");
}

function failureLines({ timeouts, crashes, errors, unstable, firstFailure }: AuditReport): string[] {
  const counts = [
    [timeouts, "timed out"],
    [crashes, "crashed"],
    [errors, "ended with an error"],
    [unstable, "gave another score the second time"],
  ] as const;
  const found = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (found.length === 0) return ["  failures                      0"];
  return [
    cut(`  failures       ${found.join(", ")}`),
    ...(firstFailure === undefined
      ? []
      : [
          cut(`    the first: ${firstFailure.reason}`),
          cut(`    response ${quoted(firstFailure.response)}, gold ${quoted(firstFailure.gold)}`),
        ]),
  ];
}

function kindLines({ kinds }: AuditReport): string[] {
  const sections = (["fail", "pass"] as const).map((expected) => {
    const own = kinds
      .filter((entry) => entry.expected === expected)
      .sort((a, b) => b.wrong / b.tried - a.wrong / a.tried);
    const title = expected === "fail" ? "must fail" : "must pass";
    const wrong = expected === "fail" ? "passed" : "failed";
    return [
      "",
      `${title.padEnd(44)}${"tried".padStart(8)}${wrong.padStart(10)}`,
      ...own.map(
        ({ kind, tried, wrong: count }) =>
          `  ${kind.slice(0, 42).padEnd(42)}${String(tried).padStart(8)}${String(count).padStart(10)}${count > 0 ? "  !" : ""}`,
      ),
    ];
  });
  return sections.flat();
}

function wrappingLines({ readWrappings, wrappings }: AuditReport): string[] {
  if (readWrappings.length === wrappings.length) return [];
  if (readWrappings.length === 0) return ["", "The verifier reads the gold answer in none of the ways to write it."];
  const missing = wrappings.filter((name) => !readWrappings.includes(name));
  return ["", ...wrap(`Not read: ${missing.join(", ")}.`)];
}

function worstLines(worst: readonly WrongVerdict[]): string[] {
  if (worst.length === 0) return [];
  return [
    "",
    "the worst verdicts",
    ...worst
      .slice(0, MOST_WORST)
      .flatMap(({ kind, expected, gold, response, score }) => [
        cut(`  ${expected === "fail" ? "passes" : "fails "} ${rounded(score)}  ${kind}`),
        cut(`    gold ${quoted(gold)}`),
        cut(`    response ${quoted(response)}`),
      ]),
  ];
}

function exploitLines(exploits: readonly Exploit[]): string[] {
  if (exploits.length === 0) return [];
  return [
    "",
    "exploits",
    ...exploits
      .slice(0, MOST_EXPLOITS)
      .flatMap(({ how, what, golds, share, gain }) =>
        how === "constant"
          ? [
              cut(`  passes for ${percent(share)} of different golds: ${quoted(what)}`),
              cut(`    golds ${golds.map(quoted).join(", ")}`),
            ]
          : [
              cut(`  pays in ${percent(share)} of trials, up to +${rounded(gain)}: ${what}`),
              cut(`    gold ${quoted(golds[0] ?? "")}`),
            ],
      ),
    ...(exploits.length > MOST_EXPLOITS ? [`  and ${exploits.length - MOST_EXPLOITS} more (--json has all)`] : []),
  ];
}

function growthLines({ cost: { growth } }: AuditReport): string[] {
  const slowest = growth.filter(({ length }) => length > 0).sort((a, b) => b.ms - a.ms);
  return [
    "",
    `${"long responses, filled with".padEnd(34)}${"characters".padStart(12)}${"time".padStart(12)}${"growth".padStart(10)}`,
    ...slowest
      .slice(0, MOST_GROWTHS)
      .map(
        ({ filler, length, ms, ratio }) =>
          `  ${filler.padEnd(32)}${length.toLocaleString("en-US").padStart(12)}${time(ms).padStart(12)}${(ratio === undefined ? "-" : `×${ratio.toFixed(1)}`).padStart(10)}`,
      ),
    "  growth: time over that of half the length; ×2 is linear, - is too short to tell",
  ].map(cut);
}

function skippedLines({ skipped }: AuditReport): string[] {
  const [first] = skipped;
  if (first === undefined) return [];
  return ["", cut(`${skipped.length} golds are skipped, for example ${quoted(first.gold)}: ${first.reason}`)];
}

const shareText = ({ wrong, tried }: Share): string =>
  `${`${wrong}/${tried}`.padStart(9)} ${tried === 0 ? "     -" : percent(wrong / tried).padStart(6)}`;
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const rounded = (score: number): string => score.toFixed(2);
const time = (ms: number): string => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`);
const quoted = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}..` : text);
const cut = (line: string): string => (line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 2)}..`);

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
