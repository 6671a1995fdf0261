/**
 * How long an evaluation takes: some of its samples are read, prepared, answered and judged by the run's own code. What
 * is around the answers grows with the samples, as far as it does not open the sets: two sizes tell that apart.
 */
import type { VlmConfig } from "@v-triune/policy";
import type { PreparedPrompt, RolloutEngine, SamplingRequest } from "@v-triune/rollouts";
import type { StepTrial } from "@v-triune/training";
import type { Clock } from "./clock";
import { type Decoded, type GenerationTimes, fullAnswers } from "./timed-generation";

/** Prompts of an evaluation that are asked at once, and answers that are decoded at once. */
const BATCH = 128;
const ROWS_AT_ONCE = 256;

/** What was asked, to ask it of another model. */
export interface EvaluatedShape {
  readonly prompts: readonly PreparedPrompt[];
  readonly request: SamplingRequest;
  readonly decoded: Decoded;
}

export interface MeasuredEvaluation {
  readonly times: GenerationTimes;
  readonly shape: EvaluatedShape;
  /** Seconds of all of it, without answering. */
  readonly around: number;
}

export interface EvaluationOptions {
  readonly trial: Pick<StepTrial, "evaluate">;
  /** Samples of one evaluation, and how many to ask for a measurement. */
  readonly evaluated: number;
  readonly most: number;
  readonly decoded: Decoded;
  readonly architecture: VlmConfig;
  readonly clock: Clock;
  readonly generate: (
    prompts: readonly PreparedPrompt[],
    request: SamplingRequest,
    decoded: Decoded,
  ) => Promise<GenerationTimes>;
}

export async function measureEvaluation({
  trial,
  evaluated,
  most,
  decoded,
  architecture,
  clock,
  generate,
}: EvaluationOptions): Promise<MeasuredEvaluation> {
  const ask = async (samplesPerSource: number) => {
    const found: { shape: EvaluatedShape; times: GenerationTimes }[] = [];
    let answering = 0;
    const engine: RolloutEngine = {
      name: "measured policy",
      async *generate(prompts, request) {
        const started = clock();
        const own = { ...decoded, tokens: Math.min(decoded.tokens, request.maxNewTokens - 1) };
        found.push({ shape: { prompts, request, decoded: own }, times: await generate(prompts, request, own) });
        answering += clock() - started;
        yield* fullAnswers(prompts, request, architecture);
      },
    };
    const started = clock();
    const count = await trial.evaluate(engine, samplesPerSource);
    return { count, around: clock() - started - answering, first: found[0]! };
  };
  const few = await ask(1);
  const many = await ask(Math.max(1, Math.floor(most / few.count)));
  // The first time, everything is new to the process.
  const again = await ask(1);
  const perSample = many.count > again.count ? (many.around - again.around) / (many.count - again.count) : 0;
  const around = many.around + Math.max(0, perSample) * (evaluated - many.count);
  return { ...many.first, around };
}

/**
 * All answers of an evaluation.
 *
 * @param times of the prompts of `shape`
 * @param step what a token of `rows` answers takes elsewhere: rows decoded at once share the reading of weights
 */
export function answeringSeconds(
  evaluated: number,
  { prompts, request }: EvaluatedShape,
  times: GenerationTimes,
  step: { readonly rows: number; readonly token: number },
): number {
  const rows = prompts.length * request.n;
  const together = Math.min(ROWS_AT_ONCE, BATCH * request.n, evaluated * request.n);
  const perRow = Math.abs(step.rows - rows) < rows / 4 ? 0 : (step.token - times.token) / (step.rows - rows);
  const token = times.token + Math.max(0, perRow) * (together - rows);
  const turns = (evaluated * request.n) / together;
  return (
    (times.prefill * evaluated) / prompts.length + Math.max(0, request.maxNewTokens - 1) * token * Math.ceil(turns)
  );
}
