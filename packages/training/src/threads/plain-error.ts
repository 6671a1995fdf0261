/** Errors as plain data: structured cloning keeps neither their class nor what they carry. */
import { OutOfMemoryError } from "@v-triune/backend";
import { type DivergedNumber, TrainingDivergedError } from "@v-triune/grpo";
import { type ErrorDetails, VTriuneError } from "@v-triune/errors";
import { NotFiniteError } from "@v-triune/policy";

/** An error on its way from one thread to another. */
export type PlainError =
  | { readonly kind: "diverged"; readonly number: DivergedNumber; readonly step: number; readonly value: number }
  | {
      readonly kind: "memory";
      readonly backend: string;
      readonly details: ErrorDetails;
      readonly shape: readonly number[] | undefined;
      readonly kernel: string | undefined;
    }
  | { readonly kind: "not-finite"; readonly details: ErrorDetails }
  | {
      /** A person can act on it. */
      readonly kind: "fixable";
      readonly name: string;
      readonly details: ErrorDetails;
      readonly message: string;
      readonly stack: string | undefined;
    }
  | {
      readonly kind: "other";
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** What typed errors carry beside these: where, expected, found, fix and the like. */
      readonly carried: Readonly<Record<string, unknown>>;
    };

/** Takes an error apart. */
export function plainError(error: unknown): PlainError {
  if (error instanceof TrainingDivergedError)
    return { kind: "diverged", number: error.number, step: error.step, value: error.value };
  if (error instanceof OutOfMemoryError)
    return {
      kind: "memory",
      backend: error.backend,
      details: detailsOf(error),
      shape: error.shape,
      kernel: error.kernel,
    };
  if (error instanceof NotFiniteError) return { kind: "not-finite", details: detailsOf(error) };
  if (VTriuneError.isInstance(error)) {
    const { name, message, stack } = error;
    return { kind: "fixable", name, details: detailsOf(error), message, stack };
  }
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const carried = Object.entries(error instanceof Error ? error : {}).filter(
    ([key, value]) => key !== "name" && ["string", "number", "boolean"].includes(typeof value),
  );
  return { kind: "other", name, message, stack, carried: Object.fromEntries(carried) };
}

function detailsOf({ what, where, expected, found, fix, code }: VTriuneError): ErrorDetails {
  return { what, where, expected, found, fix, code };
}

/** The error again, of its class where code decides by the class. */
export function errorFromPlain(plain: PlainError): Error {
  if (plain.kind === "diverged") return new TrainingDivergedError(plain.number, plain.step, plain.value);
  if (plain.kind === "memory") return new OutOfMemoryError({ ...plain, ...plain.details });
  if (plain.kind === "not-finite") return new NotFiniteError(plain.details);
  const error = plain.kind === "fixable" ? new VTriuneError(plain.details, plain.message) : new Error(plain.message);
  return Object.assign(
    error,
    { name: plain.name },
    plain.stack === undefined ? {} : { stack: plain.stack },
    plain.kind === "other" ? plain.carried : {},
  );
}
