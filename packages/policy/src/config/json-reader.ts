/**
 * Typed access to a JSON file that a person may have edited: each getter names the file, the key, what was expected and
 * what was found when it throws.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { isLfsPointer, lfsPointerProblem, type ModelFiles, readText } from "../files/model-files";
import { ModelConfigError } from "../input-error";

/** An object inside a JSON file, with the path of keys that led to it. */
export class JsonReader {
  private constructor(
    readonly file: string,
    readonly path: string,
    readonly values: Readonly<Record<string, unknown>>,
  ) {}

  /** @throws ModelConfigError when the file is absent, not JSON, or not an object */
  static open(files: ModelFiles, name: string, fix: string): JsonReader {
    const file = files.pathOf(name);
    if (!files.has(name))
      throw new ModelConfigError({ what: "A file of the model folder is missing.", where: file, fix });
    const text = readText(files, name);
    if (isLfsPointer(text))
      throw new ModelConfigError({
        what: "A file of the model folder was not downloaded.",
        ...lfsPointerProblem(files, name),
      });
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw new ModelConfigError({
        what: "A file of the model folder is not JSON.",
        where: file,
        found: cause instanceof Error ? cause.message : String(cause),
        fix: "fetch or write the file again",
        cause,
      });
    }
    if (!isRecord(json))
      throw new ModelConfigError({
        what: "A file of the model folder is not a JSON object.",
        where: file,
        found: show(json),
      });
    return new JsonReader(file, "", json);
  }

  has(key: string): boolean {
    return this.values[key] !== undefined && this.values[key] !== null;
  }

  child(key: string): JsonReader | undefined {
    if (!this.has(key)) return undefined;
    const value = this.values[key];
    if (!isRecord(value)) this.fail(key, "an object");
    return new JsonReader(this.file, this.#join(key), value);
  }

  /** A whole number from `least` on. */
  count(key: string, fallback?: number, least = 1): number {
    return this.#get(
      key,
      fallback,
      `a whole number from ${least} on`,
      (value): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= least,
    );
  }

  positive(key: string, fallback?: number): number {
    return this.#get(
      key,
      fallback,
      "a positive number",
      (value): value is number => typeof value === "number" && Number.isFinite(value) && value > 0,
    );
  }

  flag(key: string, fallback?: boolean): boolean {
    return this.#get(key, fallback, "true or false", (value): value is boolean => typeof value === "boolean");
  }

  text(key: string, fallback?: string): string {
    return this.#get(key, fallback, "a string", (value): value is string => typeof value === "string");
  }

  counts(key: string, fallback?: readonly number[]): readonly number[] {
    return this.#get(
      key,
      fallback,
      "an array of whole numbers",
      (value): value is readonly number[] =>
        Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0),
    );
  }

  numbers(key: string, fallback?: readonly number[]): readonly number[] {
    return this.#get(
      key,
      fallback,
      "an array of numbers",
      (value): value is readonly number[] =>
        Array.isArray(value) && value.every((n) => typeof n === "number" && Number.isFinite(n)),
    );
  }

  /** Throws for a key whose value is not as expected. */
  fail(key: string, expected: string, fix?: string): never {
    const found = this.values[key];
    throw new ModelConfigError({
      what:
        found === undefined
          ? "A key of the model's configuration is missing."
          : "A value of the model's configuration is impossible.",
      where: `${this.file}, key ${this.#join(key)}`,
      expected,
      found: show(found),
      ...(fix === undefined ? {} : { fix }),
    });
  }

  #get<T>(key: string, fallback: T | undefined, expected: string, fits: (value: unknown) => value is T): T {
    const value = this.values[key];
    if (value === undefined || value === null) {
      if (fallback !== undefined) return fallback;
      return this.fail(key, expected);
    }
    return fits(value) ? value : this.fail(key, expected);
  }

  #join(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
