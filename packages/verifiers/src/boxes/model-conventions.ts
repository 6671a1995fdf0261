/**
 * The box convention of known models by name: a `model_type` of config.json, a name on Hugging Face, or the name under
 * which a server offers a model. The more special pattern comes first.
 *
 * Sources: QwenLM/Qwen3-VL issues 676, 940 (Qwen2.5-VL: pixels of the picture after the processor), 1486, 1741
 * (Qwen3-VL: 0..1000, as Qwen2-VL); zai-org's GLM-V (0..1000); DeepSeek-VL2 (arXiv 2412.10302: 0..999); Rex-Omni (arXiv
 * 2510.12798: 0..999); Gemini's documentation of box_2d ([y1, x1, y2, x2] in 0..1000).
 */
import type { BoxConvention } from "./box-convention";

const CONVENTIONS: readonly (readonly [name: RegExp, convention: BoxConvention])[] = [
  [/qwen[-_.]?2[-_.]5[-_.]?(?:vl|omni)/i, "resized-pixels"],
  [/qwen[-_.]?vl/i, "thousandths"],
  [/qwen[-_.]?2[-_.]?vl/i, "thousandths"],
  [/qwen[-_.]?(?:[3-9]|[1-9]\d)/i, "thousandths"],
  [/intern[-_.]?vl/i, "thousandths"],
  [/glm[-_.]?\d+(?:[._]\d+)?v/i, "thousandths"],
  [/deepseek[-_.]?vl/i, "thousandths-999"],
  [/rex[-_.]?omni/i, "thousandths-999"],
  [/gemini/i, "yx-thousandths"],
];

/** A longer name is a path or a mistake; its end is looked at. */
const LONGEST_NAME = 500;

/**
 * The convention of a model by its name.
 *
 * @returns undefined for a name that says nothing
 * @example conventionOfModel("Qwen/Qwen3-VL-4B-Instruct") // "thousandths"
 */
export function conventionOfModel(name: string): BoxConvention | undefined {
  const end = name.slice(-LONGEST_NAME);
  return CONVENTIONS.find(([pattern]) => pattern.test(end))?.[1];
}
