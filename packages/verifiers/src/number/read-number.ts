/**
 * Reads the one number of a short answer: `1,234.5`, `-3`, `$12`, `7 km`, `3/4`, `1.2e3`, `12 %` (a hundredth, as ChartQA's
 * scorer reads it). Thousands commas stand before groups of three. Two numbers are no answer.
 */

const NUMBER =
  /(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?<=\d)(?:e[-+]?\d{1,3})?(?:\s*\/\s*\d+(?:\.\d+)?)?(?:\s*\\?%)?/gi;
const LONGEST_ANSWER = 500;

/**
 * The number, or undefined when there is none, more than one, or the text is longer than a short answer.
 *
 * @example readNumber("about 12.5%") // 0.125
 */
export function readNumber(text: string): number | undefined {
  if (text.length > LONGEST_ANSWER) return undefined;
  const found = text.match(NUMBER);
  if (found === null || found.length !== 1) return undefined;
  const [literal = ""] = found;
  const percent = literal.endsWith("%");
  const [numerator = "", denominator] = literal.replace(/\\?%$/, "").replaceAll(",", "").replace("−", "-").split("/");
  const value = Number(numerator) / (denominator === undefined ? 1 : Number(denominator)) / (percent ? 100 : 1);
  return Number.isFinite(value) ? value : undefined;
}
