import { VTriuneError } from "./v-triune-error";

/** A configuration that cannot be read or used. */
export class ConfigError extends VTriuneError {
  override readonly name = "ConfigError";
}
