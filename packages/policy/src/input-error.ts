/** Errors for what a person gave this package: a file, a folder, a picture, a message. */
import { VTriuneError } from "@v-triune/errors";

/** The base of the errors about bad input. */
export class PolicyInputError extends VTriuneError {
  override readonly name: string = "PolicyInputError";
}

/** A weights file or folder that cannot be read or written. */
export class WeightsError extends PolicyInputError {
  override readonly name = "WeightsError";
}

/** A model folder whose configuration is missing, unsupported or impossible. */
export class ModelConfigError extends PolicyInputError {
  override readonly name = "ModelConfigError";
}

/** A tokenizer.json that cannot be used, or an id or token that it does not know. */
export class TokenizerError extends PolicyInputError {
  override readonly name = "TokenizerError";
}

/** Messages that cannot be rendered, or whose pictures do not match their placeholders. */
export class PromptError extends PolicyInputError {
  override readonly name = "PromptError";
}

/** A picture that cannot be decoded, or that no model input can be made of. */
export class ImageError extends PolicyInputError {
  override readonly name = "ImageError";
}

/** A folder given to the parity check that holds none of the known layouts, or half of one. */
export class ParityError extends PolicyInputError {
  override readonly name = "ParityError";
}
