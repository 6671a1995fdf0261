/**
 * How every error of the project is printed: what is wrong, then one labeled block per further detail, 80 columns wide.
 */
import type { ErrorDetails } from "./error-details";

const WIDTH = 80;
const INDENT = 12;

/**
 * The message of an error.
 *
 * ```ts
 * formatError({ what: "The file is not a Parquet file.", where: "a.csv", found: "text", fix: "run v-triune curate
 * first" }); // The file is not a Parquet file.
 * //   where:    a.csv
 * //   found:    text
 * //   fix:      run v-triune curate first
 * ```
 */
export function formatError(details: ErrorDetails): string {
  return [wrapText(details.what, WIDTH, 0), ...formatDetails(details)].join("\n");
}

/** The labeled blocks alone, for errors whose first line is not a sentence (a place in a file). */
export function formatDetails({ where, expected, found, fix }: Omit<ErrorDetails, "what">): string[] {
  return Object.entries({ where, expected, found, fix })
    .filter(([, text]) => text !== undefined && text !== "")
    .map(([label, text]) => `  ${`${label}:`.padEnd(INDENT - 2)}${wrapText(text as string, WIDTH, INDENT)}`);
}

/**
 * Wraps a text at spaces. A word longer than the width (a path) gets a line of its own; line breaks of the text are
 * kept.
 *
 * @param width columns per line, indent included
 * @param indent columns of white space before every line but the first, which starts after a label of that width
 */
export function wrapText(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width - indent) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
