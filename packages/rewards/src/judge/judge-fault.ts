import { VTriuneError } from "@v-triune/errors";
import type { RewardErrorCode } from "../reward-source";

/** Why one sample could not be judged: its verdict is `error`. */
export class JudgeFault extends Error {
  override readonly name = "JudgeFault";

  constructor(
    readonly code: Extract<RewardErrorCode, "judge" | "server" | "timeout">,
    message: string,
  ) {
    super(message);
  }
}

/** The endpoint refuses every request: a wrong key, address or model. */
export class JudgeRefusedError extends VTriuneError {
  override readonly name = "JudgeRefusedError";
}
