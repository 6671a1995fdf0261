import { mathverifyFormat } from "../format/mathverify-format";

/** What the verifiers of short answers have in common. */
export interface ShortAnswerOptions {
  /** The name that samples carry; default the verifier's own. */
  readonly name?: string;
  /** Scores the form of a response in [0, 1]. Default V-Triune's think/answer form. */
  readonly format?: (response: string) => number;
}

/** The format function of a verifier's options. */
export function formatOf(options: ShortAnswerOptions): (response: string) => number {
  return options.format ?? mathverifyFormat;
}
