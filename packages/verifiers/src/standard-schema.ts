/**
 * The synchronous part of Standard Schema v1 (https://standardschema.dev), written out so that this package has no
 * dependency. Any library's schema (arktype, zod, valibot) that validates synchronously fits.
 */

/** What is wrong with one value, and where. */
export interface ParamsIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The outcome of a check: the value as the verifier reads it, or what is wrong with it. */
export type ParamsResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly ParamsIssue[] };

/** A schema for verifier parameters, as Standard Schema v1 defines it. */
export interface ParamsSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => ParamsResult<Output> | Promise<ParamsResult<Output>>;
  };
}

/**
 * Wraps a plain checking function as a Standard Schema, for verifiers that need no schema library.
 *
 * @param validate returns the value as read, or the issues; never throws
 */
export function paramsSchema<Output>(validate: (value: unknown) => ParamsResult<Output>): ParamsSchema<Output> {
  return { "~standard": { version: 1, vendor: "v-triune", validate } };
}
