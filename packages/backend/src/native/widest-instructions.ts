/** Which of the processor's instructions own kernels use (native/shared/instruction-sets.h). */
import { BackendError } from "../backend-error";

/** By the index that the addons give them. */
const NAMES = ["base", "avx2", "avx512"] as const;

/** What both addons of own kernels export of it. */
export interface InstructionsAddon {
  /** Names of those that the processor has, the widest last. */
  readonly instructions: readonly string[];
  /** Computes with these of `instructions` from now on. */
  use(index: number): void;
}

/**
 * The widest that `V_TRIUNE_INSTRUCTIONS` allows, as an index. Default: all that the processor has.
 *
 * @throws BackendError when it names no instructions
 */
export function widestInstructions(env: NodeJS.ProcessEnv = process.env): number {
  const asked = env["V_TRIUNE_INSTRUCTIONS"] || NAMES.at(-1)!;
  const index = (NAMES as readonly string[]).indexOf(asked);
  if (index >= 0) return index;
  throw new BackendError({
    what: "V_TRIUNE_INSTRUCTIONS names no instructions.",
    where: "the environment variable V_TRIUNE_INSTRUCTIONS",
    expected: NAMES.join(", "),
    found: JSON.stringify(asked),
    fix: `set V_TRIUNE_INSTRUCTIONS to ${NAMES.join(", ")}, or to nothing for all that the processor has`,
  });
}

/** Lets an addon use the widest that is allowed, and returns their name. */
export function useWidestInstructions(addon: InstructionsAddon): string {
  const index = Math.min(widestInstructions(), addon.instructions.length - 1);
  addon.use(index);
  return addon.instructions[index]!;
}
