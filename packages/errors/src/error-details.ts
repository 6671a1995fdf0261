/** What an error says, before it is printed. */
export interface ErrorDetails {
  /** One sentence, with its full stop: what is wrong. */
  readonly what: string;
  /** The file with its line, the row, the flag, the configuration key, the address. */
  readonly where?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
  /** What to do about it, in the imperative. */
  readonly fix?: string | undefined;
  /** Which failure it is, for programs that decide by it. Stable across releases. */
  readonly code?: string | undefined;
  readonly cause?: unknown;
}
