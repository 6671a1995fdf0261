import type { CurationProgress } from "@v-triune/data-filters";

export interface CurationView {
  readonly update: (progress: CurationProgress) => void;
  /** Clears the line, so that ordinary output can follow. */
  close(): void;
}

const PHASES: Readonly<Record<CurationProgress["phase"], string>> = {
  read: "reading",
  rules: "filtering",
  pictures: "checking pictures",
  write: "writing",
};

const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 2))}..`;

/** One line in place on a terminal; a line a phase and source where output is no terminal. */
export function createCurationView(
  stream: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): CurationView {
  let last = -Infinity;
  let shown = "";
  const update = (progress: CurationProgress): void => {
    const subject = `${PHASES[progress.phase]} ${progress.what}`;
    if (!stream.isTTY) {
      if (subject !== shown) stream.write(`${fit(subject, 80)}\n`);
      shown = subject;
      return;
    }
    // Ten times a second is smooth enough, and a fast source reports thousands of times.
    if (now() - last < 100 && subject === shown) return;
    last = now();
    shown = subject;
    const total = progress.of === undefined ? "" : ` of ${progress.of.toLocaleString("en-US")}`;
    const rows = `${progress.rows.toLocaleString("en-US")}${total} rows`;
    // Some terminals report 0 columns.
    const width = (stream.columns || 80) - 1;
    stream.write(`\r\u001b[K${fit(subject, width - rows.length - 2)}: ${rows}`);
  };
  return { update, close: () => void (stream.isTTY && shown !== "" && stream.write("\r\u001b[K")) };
}
