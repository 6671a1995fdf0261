/** A teacher on a server: vLLM and SGLang by the log-probabilities of a prompt, a server of the Tinker API as its samplers score a prompt. */
import { ScoringServer } from "@v-triune/engines";
import type { TopTokens } from "@v-triune/grpo";
import type { Processor } from "@v-triune/policy";
import { TinkerError, connectTinker, modelInput } from "@v-triune/tinker";
import type { TeacherServerConfig } from "../config/training-config";
import { readKey } from "../remote/open-remote-trainer";
import { WireRows } from "../remote/wire-rows";
import type { Resources } from "../resources";
import type { TaughtAnswer, Teacher } from "../model/teacher";

const WHERE = "algorithm.distillation.teacher";
/** Answers that a Tinker server is asked about at once. */
const PARALLEL = 64;

export interface ServerTeacherOptions {
  readonly config: TeacherServerConfig;
  readonly processor: Processor;
  /** Likeliest tokens of each position that are compared; 0: the written token's log-probability is. */
  readonly topK: number;
  readonly signal: AbortSignal;
  readonly onPause?: (message: string) => void;
  readonly onResume?: (message: string) => void;
}

/** @throws EngineError, TinkerError or ConfigError for a server that does not tell what the run needs */
export async function openServerTeacher(options: ServerTeacherOptions, resources: Resources): Promise<Teacher> {
  const { config } = options;
  const asked =
    config.kind === "tinker" ? await openTinker(options, resources) : await openEngine(options, config.kind);
  return {
    ...asked,
    rowsOf: async (_, rows) => rows,
    // Its weights stay.
    follow: () => {},
    exportState: () => undefined,
    importState: () => {},
  };
}

type Asked = Pick<Teacher, "logProbs" | "topTokens">;

async function openEngine(
  { config, processor, topK, signal, onPause, onResume }: ServerTeacherOptions,
  kind: "vllm" | "sglang",
): Promise<Asked> {
  const { url, model, timeout } = config;
  const server = await ScoringServer.open({
    config: { kind, url, model, timeout, apiKey: readKey(config.apiKey, `${WHERE}.apiKey`) },
    processor,
    where: WHERE,
    topK,
    signal,
    ...(onPause ? { onPause } : {}),
    ...(onResume ? { onResume } : {}),
  });
  const score = (taught: readonly TaughtAnswer[], count: number) =>
    server.score(
      taught.map(({ answer, row }) => ({ prompt: answer.prompt, completionIds: row.completionIds })),
      count,
      signal,
    );
  return {
    logProbs: async (taught) => (await score(taught, 0)).map((scores) => scores?.logProbs),
    topTokens: async (taught, count) =>
      (await score(taught, count)).map((scores): TopTokens | undefined => scores?.top),
  };
}

async function openTinker(
  { config, processor, signal, onPause, onResume }: ServerTeacherOptions,
  resources: Resources,
): Promise<Asked> {
  const server = { url: config.url, apiKey: readKey(config.apiKey, `${WHERE}.apiKey`) };
  // One that does not answer before the first step is an error; one that goes away later is waited for.
  await connectTinker({ ...server, patienceMs: 0 }, signal);
  const client = await connectTinker(
    {
      ...server,
      patienceMs: Number.POSITIVE_INFINITY,
      ...(onPause ? { onPause } : {}),
      ...(onResume ? { onResume } : {}),
    },
    signal,
  );
  const session = await resources.open(
    client.createSession({ tags: ["v-triune", "teacher"], signal }),
    async (opened) => opened.close(),
  );
  const sampler = await session.createSampler({ baseModel: config.model! }, signal);
  const wire = new WireRows(processor);
  const score = async ({ answer, row: { completionIds } }: TaughtAnswer): Promise<Float32Array | undefined> => {
    const prompt = await wire.prompt(answer.prompt);
    // A placeholder that the policy wrote is no picture, and the API cannot say that.
    if (prompt.placeholder !== undefined && completionIds.includes(prompt.placeholder)) return undefined;
    if (completionIds.length === 0) return new Float32Array();
    const { prompt_logprobs } = await sampler.sample(
      modelInput([...Array.from(prompt.ids), ...completionIds], prompt),
      // The server answers with a token, which nobody reads.
      { settings: { max_tokens: 1 }, promptLogProbs: true, signal },
    );
    const found = (prompt_logprobs ?? []).slice(-completionIds.length).filter((value) => Number.isFinite(value));
    if (found.length === completionIds.length) return Float32Array.from(found as readonly number[]);
    throw new TinkerError({
      what: "The teacher's server does not say how likely it finds an answer.",
      where: `${WHERE}: ${config.url}`,
      expected: `log-probabilities of its ${completionIds.length} tokens`,
      found: `${found.length} of them`,
      fix: "take a server that scores prompts, or serve the teacher with vLLM or SGLang",
      code: "unreadable",
    });
  };
  return {
    async logProbs(taught) {
      const found: (Float32Array | undefined)[] = [];
      for (let from = 0; from < taught.length; from += PARALLEL)
        found.push(...(await Promise.all(taught.slice(from, from + PARALLEL).map(score))));
      return found;
    },
    topTokens: () => Promise.reject(new TypeError("the Tinker API does not tell a model's likeliest tokens")),
  };
}
