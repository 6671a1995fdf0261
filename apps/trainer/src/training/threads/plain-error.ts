/** Errors as plain data: structured cloning keeps neither their class nor what they carry. */
import { OutOfMemoryError, type ErrorParts } from "@v-triune/backend";
import { type DivergedWhere, TrainingDivergedError } from "@v-triune/grpo";
import { NotFiniteError } from "@v-triune/policy";

/** An error on its way from one thread to another. */
export type PlainError =
  | { readonly kind: "diverged"; readonly where: DivergedWhere; readonly step: number; readonly value: number }
  | {
      readonly kind: "memory";
      readonly backend: string;
      readonly parts: ErrorParts;
      readonly shape: readonly number[] | undefined;
      readonly kernel: string | undefined;
    }
  | { readonly kind: "not-finite"; readonly message: string }
  | {
      readonly kind: "other";
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** Takes an error apart. */
export function plainError(error: unknown): PlainError {
  if (error instanceof TrainingDivergedError)
    return { kind: "diverged", where: error.where, step: error.step, value: error.value };
  if (error instanceof OutOfMemoryError)
    return { kind: "memory", backend: error.backend, parts: error.parts, shape: error.shape, kernel: error.kernel };
  if (error instanceof NotFiniteError) return { kind: "not-finite", message: error.message };
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  // What typed errors carry: where, expected, found, fix and the like.
  const details = Object.entries(error instanceof Error ? error : {}).filter(
    ([key, value]) => key !== "name" && ["string", "number", "boolean"].includes(typeof value),
  );
  return { kind: "other", name, message, stack, details: Object.fromEntries(details) };
}

/** The error again; of a class of its own where that can be told. */
export function errorFromPlain(plain: PlainError): Error {
  if (plain.kind === "diverged") return new TrainingDivergedError(plain.where, plain.step, plain.value);
  if (plain.kind === "memory") return new OutOfMemoryError(plain);
  if (plain.kind === "not-finite") return new NotFiniteError(plain.message);
  const error = new Error(plain.message);
  error.name = plain.name;
  if (plain.stack !== undefined) error.stack = plain.stack;
  return Object.assign(error, plain.details);
}
