/** What a person needs to put a bad input right. */
export interface InputErrorDetail {
  /** One sentence: what is wrong. */
  readonly what: string;
  /** The file, folder, tensor, key or message it concerns. */
  readonly where?: string;
  readonly expected?: string;
  readonly found?: string;
  /** What to do about it. */
  readonly fix?: string;
  readonly cause?: unknown;
}

/**
 * The base of every error this package raises for something a person gave it: a file, a folder, a picture, a message.
 * The message holds all of the detail, one line each, so that printing it is enough; the parts are fields as well.
 */
export class PolicyInputError extends Error {
  override name = "PolicyInputError";
  readonly what: string;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly fix: string | undefined;

  constructor(detail: InputErrorDetail) {
    super(describe(detail), detail.cause === undefined ? undefined : { cause: detail.cause });
    this.what = detail.what;
    this.where = detail.where;
    this.expected = detail.expected;
    this.found = detail.found;
    this.fix = detail.fix;
  }
}

/** A weights file or folder that can't be read or written. */
export class WeightsError extends PolicyInputError {
  override name = "WeightsError";
}

/** A model folder whose configuration is missing, unsupported or impossible. */
export class ModelConfigError extends PolicyInputError {
  override name = "ModelConfigError";
}

/** A tokenizer.json that can't be used, or an id or token that it does not know. */
export class TokenizerError extends PolicyInputError {
  override name = "TokenizerError";
}

/** Messages that can't be rendered, or whose pictures do not match their placeholders. */
export class PromptError extends PolicyInputError {
  override name = "PromptError";
}

/** A picture that can't be decoded or that no model input can be made of. */
export class ImageError extends PolicyInputError {
  override name = "ImageError";
}

/** A folder given to the parity check that holds none of the known layouts, or half of one. */
export class ParityError extends PolicyInputError {
  override name = "ParityError";
}

function describe(detail: InputErrorDetail): string {
  const lines = [detail.what];
  if (detail.where !== undefined) lines.push(`  where:    ${detail.where}`);
  if (detail.expected !== undefined) lines.push(`  expected: ${detail.expected}`);
  if (detail.found !== undefined) lines.push(`  found:    ${detail.found}`);
  if (detail.fix !== undefined) lines.push(`  do:       ${detail.fix}`);
  return lines.join("\n");
}
