/**
 * The pre-tokenizer `Digits` of tokenizer.json as the Rust tokenizers read it: a digit is any number of Unicode (`½`,
 * `Ⅳ`, `٣`), as Rust's `char::is_numeric` has it. @huggingface/tokenizers reads it as 0 to 9, so the step is replaced
 * by a `Split` that states the class. SmolLM's, Falcon's and StarCoder's tokenizers have the step, Qwen's does not.
 */
import { isRecord } from "@v-triune/node-kit/is-record";

/** @param step `pre_tokenizer` of tokenizer.json */
export function withUnicodeDigits(step: unknown): unknown {
  if (!isRecord(step)) return step;
  if (step["type"] === "Sequence" && Array.isArray(step["pretokenizers"]))
    return { ...step, pretokenizers: step["pretokenizers"].map(withUnicodeDigits) };
  if (step["type"] !== "Digits") return step;
  const Regex = step["individual_digits"] === true ? "\\p{N}" : "\\p{N}+";
  return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
}
