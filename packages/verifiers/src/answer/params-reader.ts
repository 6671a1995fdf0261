import type { Verdict } from "../verifier";
import { paramsSchema, type ParamsIssue, type ParamsResult, type ParamsSchema } from "../standard-schema";

/** Reads parameters leaf by leaf and collects what is wrong. Absent and null leaves take the default. */
export class ParamsReader {
  readonly issues: ParamsIssue[] = [];

  readonly #params: Readonly<Record<string, unknown>>;

  constructor(params: Readonly<Record<string, unknown>>) {
    this.#params = params;
  }

  /** A number within limits. */
  number(key: string, fallback: number, low: number, high: number): number {
    return this.#leaf(
      key,
      fallback,
      `a number in [${low}, ${high}]`,
      (value): value is number => typeof value === "number" && value >= low && value <= high,
    );
  }

  /** One of some words. */
  word<const Word extends string>(key: string, fallback: Word, words: readonly Word[]): Word {
    return this.#leaf(key, fallback, `one of ${words.join(", ")}`, (value): value is Word =>
      words.includes(value as Word),
    );
  }

  /** True or false. */
  flag(key: string, fallback: boolean): boolean {
    return this.#leaf(key, fallback, "true or false", (value) => typeof value === "boolean");
  }

  /** A list of strings. */
  strings(key: string): readonly string[] {
    return this.#leaf(
      key,
      [] as readonly string[],
      "a list of strings",
      (value): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === "string"),
    );
  }

  #leaf<T>(key: string, fallback: T, expected: string, accept: (value: unknown) => value is T): T {
    const value = this.#params[key];
    if (value === undefined || value === null) return fallback;
    if (accept(value)) return value;
    this.issues.push({
      path: [key],
      message: `${key}: ${expected} expected, found ${JSON.stringify(value)?.slice(0, 60) ?? String(value)}`,
    });
    return fallback;
  }
}

/**
 * Makes a params schema from a function that reads each leaf.
 *
 * @param read names the leaves, their defaults and limits
 */
export function readerSchema<Params>(
  read: (reader: ParamsReader) => Params,
): ParamsSchema<Params> & { readonly read: (params: unknown) => ParamsResult<Params> } {
  const readParams = (params: unknown): ParamsResult<Params> => {
    if (params !== undefined && params !== null && (typeof params !== "object" || Array.isArray(params)))
      return { issues: [{ message: "params: an object expected" }] };
    const reader = new ParamsReader((params ?? {}) as Record<string, unknown>);
    const value = read(reader);
    return reader.issues.length > 0 ? { issues: reader.issues } : { value };
  };
  return { ...paramsSchema(readParams), read: readParams };
}

/** The verdict on a sample whose parameters cannot be used. */
export function paramsError(issues: readonly ParamsIssue[]): Verdict {
  const reason = `params: ${issues.map(({ message }) => message).join("; ")}`;
  return { status: "error", reason, code: "params" };
}
