/** Why rows were left out: how many for each reason, and the first messages. */

/** Messages that are shown in full. */
const SHOWN = 5;

/** Collects the messages of rows that were left out. A message of the same row counts once. */
export interface Reasons {
  add(message: string): void;
  /** Counts by reason, then the first messages. */
  format(): string;
}

export function createReasons(): Reasons {
  const messages = new Set<string>();
  return {
    add: (message) => void messages.add(message),
    format() {
      const counts = new Map<string, number>();
      for (const message of messages) counts.set(reasonOf(message), (counts.get(reasonOf(message)) ?? 0) + 1);
      const sorted = [...counts].sort((a, b) => b[1] - a[1]);
      const lines = sorted.map(([reason, rows]) => `${rows} ${rows === 1 ? "row" : "rows"}: ${reason}`);
      const first = [...messages].slice(0, SHOWN);
      const heading = first.length < messages.size ? `The first ${first.length} messages:` : "The messages:";
      return [...lines, heading, ...first].join("\n");
    },
  };
}

/** A message without its place and its numbers, so that rows with the same fault have the same reason. */
function reasonOf(message: string): string {
  const lines = message.split("\n").map((line) => line.trim());
  const field = /, field ([^,]+)$/.exec(lines[0] ?? "")?.[1];
  const expected = lines.find((line) => line.startsWith("expected:"))?.replace(/^expected:\s*/, "");
  const text = expected === undefined ? (lines[0] ?? "") : `${field === undefined ? "" : `${field}: `}${expected}`;
  return text.replace(/\d+/g, "N");
}
