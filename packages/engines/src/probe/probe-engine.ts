/**
 * What a rollout server really does. Servers answer 200 to fields that they ignore, so each ability is tried: the same
 * request twice, with other seeds, with a stop string. Some twenty short requests; nothing on the server is changed.
 */
import { isRecord } from "@v-triune/node-kit/is-record";
import { createRandom } from "@v-triune/rollouts";
import { chatCompletion } from "../protocols/chat-completions";
import type { GenerationTask, ProtocolRequest, ServerReply } from "../protocols/generation-task";
import { NoAnswerError, ServerRefusal, httpEvents, httpJson } from "../servers/http-json";
import { serverAddress } from "../servers/server-address";
import { type RecognizedServer, type ServerKind, recognizeServer } from "../servers/server-kind";
import { whileBusy } from "../servers/while-busy";
import { sglangGenerate } from "../protocols/sglang-generate";

export type Ability =
  | "pictures"
  | "max_tokens"
  | "temperature"
  | "greedy"
  | "seed"
  | "n"
  | "stop"
  | "token_ids"
  | "log_probs"
  | "weights";

export interface AbilityReport {
  readonly ability: Ability;
  readonly status: "yes" | "no" | "refused" | "failed";
  /** What was seen, and what it means for a run. */
  readonly detail: string;
  /** Whether a transformers serve refuses because it was started with another model, which it then serves alone. */
  readonly pinned?: true;
}

export interface EngineReport {
  readonly url: string;
  readonly kind: ServerKind;
  readonly version: string | null;
  readonly model: string;
  readonly models: readonly string[];
  readonly abilities: readonly AbilityReport[];
}

export interface ProbeOptions {
  readonly url: string;
  /** What it is. Default: what it is found to be. */
  readonly kind?: ServerKind | undefined;
  /** The model's name there. Default the first that it lists. */
  readonly model?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Ends of answers, where the model is known. */
  readonly endTokenIds?: readonly number[];
  /** The temperature of the run: log-probabilities have to be of it. */
  readonly temperature?: number;
}

/** 56 × 56 pixels of four colors: as small a picture as Qwen2.5-VL takes as it is. */
const PICTURE =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAADgAAAA4CAIAAAAn5KxJAAAAXElEQVR42u3RQQ3AIBBEUWiQgIgVs4IQhghEIKanOthLk/cFTF4y/Ua06nLN8s2n/SRQUFBQUFBQUFBQUFBQUFBQ0K+RsctHT6TrQUFBQUFBQUFBQUFBQUFBQUFfZYIE2spKTlYAAAAASUVORK5CYII=";
const QUESTION = "Name the colors in the picture, then write a short poem about each of them.";
/** Tokens of a probe's answer: few, but enough for two draws to differ. */
const TOKENS = 12;

/** @throws NoAnswerError when nobody answers, ServerRefusal for a wrong key */
export async function probeEngine(options: ProbeOptions): Promise<EngineReport> {
  const url = serverAddress(options.url);
  const http = { apiKey: options.apiKey, signal: options.signal };
  const found: RecognizedServer = await recognizeServer(url, http);
  const kind = options.kind ?? found.kind;
  const model = options.model ?? found.models[0] ?? "";
  const probe = new Probe(url, kind, model, options);
  return {
    url,
    kind,
    version: kind === found.kind ? found.version : null,
    model,
    models: found.models,
    abilities: await probe.all(),
  };
}

class Probe {
  readonly #seeds = createRandom(7);

  constructor(
    readonly url: string,
    readonly kind: ServerKind,
    readonly model: string,
    readonly options: ProbeOptions,
  ) {}

  async all(): Promise<AbilityReport[]> {
    let status: number | undefined;
    const first = await this.#try(
      () => this.#ask({ temperature: 0 }),
      (refusal) => (status = refusal.status),
    );
    if (typeof first !== "string" && first.answers.length === 0)
      return [{ ability: "pictures", status: "failed", detail: "a question about a picture: a reply without answers" }];
    if (typeof first === "string") {
      const detail = `a question about a picture: ${first}`;
      const pinned = status === 400 && (await this.#answersWithoutModel());
      return [{ ability: "pictures", status: "failed", detail, ...(pinned ? { pinned } : {}) }];
    }
    return [
      await this.#pictures(first),
      this.#limit(first),
      await this.#greedy(first),
      await this.#temperature(first),
      await this.#seed(),
      await this.#several(),
      await this.#stop(first),
      this.#tokenIds(first),
      await this.#logProbs(first),
      await this.#weights(),
    ];
  }

  /**
   * `transformers serve` with a model on its command line has that one only. It refuses the name of another (400,
   * without a code, in transformers 5.24) and answers when no model is named; without a model on its command line it is
   * the other way round.
   */
  async #answersWithoutModel(): Promise<boolean> {
    if (this.kind !== "transformers") return false;
    const reply = await this.#try(() => this.#ask({ temperature: 0 }, { namesModel: false }));
    return typeof reply !== "string";
  }

  async #pictures(withPicture: ServerReply): Promise<AbilityReport> {
    const without = await this.#try(() => this.#ask({ temperature: 0 }, { picture: false }));
    if (typeof without === "string")
      return { ability: "pictures", status: "yes", detail: `a question without a picture: ${without}` };
    const [seen, text] = [withPicture.promptTokens, without.promptTokens];
    if (seen === undefined || text === undefined)
      return {
        ability: "pictures",
        status: "no",
        detail: "the server does not say how many tokens a prompt has, so nobody can say that it sees pictures",
      };
    if (seen > text) return { ability: "pictures", status: "yes", detail: `${seen - text} tokens for 56 x 56 pixels` };
    return {
      ability: "pictures",
      status: "no",
      detail: "a picture adds no tokens to the prompt: the model does not see it",
    };
  }

  #limit({ completionTokens, answers }: ServerReply): AbilityReport {
    const tokens = completionTokens ?? answers[0]?.tokenIds?.length;
    if (tokens === undefined)
      return { ability: "max_tokens", status: "yes", detail: "answered; the server does not count its tokens" };
    return tokens <= TOKENS
      ? { ability: "max_tokens", status: "yes", detail: `${tokens} of at most ${TOKENS} tokens` }
      : { ability: "max_tokens", status: "no", detail: `${tokens} tokens where at most ${TOKENS} were asked for` };
  }

  async #greedy(first: ServerReply): Promise<AbilityReport> {
    const again = await this.#try(() => this.#ask({ temperature: 0 }));
    if (typeof again === "string") return { ability: "greedy", status: "failed", detail: again };
    return key(again) === key(first)
      ? { ability: "greedy", status: "yes", detail: "temperature 0 gives the same answer twice" }
      : {
          ability: "greedy",
          status: "no",
          detail: "temperature 0 gives different answers: evaluation is not repeatable",
        };
  }

  async #temperature(first: ServerReply): Promise<AbilityReport> {
    const drawn: string[] = [];
    for (let i = 0; i < 4; i++) {
      const reply = await this.#try(() => this.#ask({ temperature: 1.5, seed: this.#seeds.int(0, 0x7fffffff) }));
      if (typeof reply === "string") return { ability: "temperature", status: "failed", detail: reply };
      drawn.push(key(reply));
    }
    if (drawn.some((text) => text !== key(first)))
      return {
        ability: "temperature",
        status: "yes",
        detail: `${new Set(drawn).size} different answers of 4 at temperature 1.5`,
      };
    if (drawn.every((text) => text === ""))
      return { ability: "temperature", status: "no", detail: "every answer is empty at every temperature" };
    return {
      ability: "temperature",
      status: "no",
      detail: "answers greedily whatever temperature is asked for: groups of answers would all be the same",
    };
  }

  async #seed(): Promise<AbilityReport> {
    const draws: string[] = [];
    for (const seed of [11, 11, 12, 13]) {
      const reply = await this.#try(() => this.#ask({ temperature: 1.5, seed }));
      if (typeof reply === "string") return { ability: "seed", status: "failed", detail: reply };
      draws.push(key(reply));
    }
    const [a, again, ...others] = draws;
    if (a === again && others.some((other) => other !== a))
      return { ability: "seed", status: "yes", detail: "the same seed gives the same answer, asked one at a time" };
    const fix = this.kind === "sglang" ? "; start it with --enable-deterministic-inference for that" : "";
    return {
      ability: "seed",
      status: "no",
      detail: `the same seed gives different answers: a resumed run draws others than an uninterrupted one${fix}`,
    };
  }

  async #several(): Promise<AbilityReport> {
    if (this.kind === "sglang")
      return { ability: "n", status: "yes", detail: "one request an answer, as its documentation advises" };
    const reply = await this.#try(() => this.#ask({ temperature: 1.5, samples: 3 }, { several: true }));
    if (typeof reply === "string")
      return { ability: "n", status: "refused", detail: `${reply}; one request an answer instead` };
    const count = reply.answers.length;
    if (count !== 3)
      return {
        ability: "n",
        status: "no",
        detail: `${count} answer${count === 1 ? "" : "s"} where 3 were asked for; one request an answer instead`,
      };
    return { ability: "n", status: "yes", detail: "3 answers of one request" };
  }

  /** Runs don't use stop strings; who uses the server for other things wants to know. */
  async #stop(first: ServerReply): Promise<AbilityReport> {
    const text = first.answers[0]?.text ?? "";
    const middle = text.slice(Math.floor(text.length / 2));
    const stop = middle.trim().slice(0, 3) || middle.slice(0, 1);
    if (stop === "") return { ability: "stop", status: "yes", detail: "not tried: the greedy answer is empty" };
    const reply = await this.#try(() => this.#ask({ temperature: 0 }, { stop }));
    if (typeof reply === "string")
      return { ability: "stop", status: "failed", detail: `a stop string: ${reply}; runs need none` };
    const shorter = (reply.answers[0]?.text ?? "").length < text.length;
    return shorter
      ? { ability: "stop", status: "yes", detail: `ends before ${JSON.stringify(stop)}` }
      : { ability: "stop", status: "no", detail: "a stop string changes nothing; runs need none" };
  }

  #tokenIds({ answers }: ServerReply): AbilityReport {
    if (answers[0]?.tokenIds)
      return { ability: "token_ids", status: "yes", detail: "the tokens that were drawn are those that are trained" };
    return {
      ability: "token_ids",
      status: "no",
      detail: "text only: it is tokenized again, which may split it otherwise than it was drawn",
    };
  }

  async #logProbs({ answers }: ServerReply): Promise<AbilityReport> {
    if (answers[0]?.logProbsFault)
      return {
        ability: "log_probs",
        status: "no",
        detail: `they are not log-probabilities (${answers[0].logProbsFault}) and are not used`,
      };
    if (!answers[0]?.logProbs)
      return {
        ability: "log_probs",
        status: "no",
        detail: "the trainer computes them itself; engine and trainer can't be compared",
      };
    const temperature = this.options.temperature ?? 1;
    if (temperature === 1) return { ability: "log_probs", status: "yes", detail: "of each token that was drawn" };
    // Log-probabilities before the temperature are the same at every temperature.
    const tops: (number | undefined)[] = [];
    for (const at of [0.5, 2]) {
      const reply = await this.#try(() => this.#topLogProb(at));
      if (typeof reply === "string") return { ability: "log_probs", status: "failed", detail: reply };
      tops.push(reply);
    }
    const raw = tops[0] !== undefined && tops[1] !== undefined && Math.abs(tops[0] - tops[1]) < 1e-4;
    if (!raw)
      return { ability: "log_probs", status: "yes", detail: `of each token that was drawn, at its temperature` };
    const fix = this.kind === "vllm" ? "; start vLLM with --logprobs-mode processed_logprobs" : "";
    return {
      ability: "log_probs",
      status: "no",
      detail: `they are those of temperature 1, not of the run's ${temperature}, and are not used${fix}`,
    };
  }

  /**
   * Whether new weights can be handed over while it runs (weight-transfer.ts); looks for the endpoints and uses none.
   */
  async #weights(): Promise<AbilityReport> {
    const has = async (path: string): Promise<boolean> => {
      const { apiKey, signal } = this.options;
      // An endpoint that takes POST answers 405 to GET.
      const status = await httpJson(`${this.url}${path}`, { apiKey, signal, timeoutMs: 15_000 }).then(
        () => 200,
        (error: unknown) => (error instanceof ServerRefusal ? error.status : 500),
      );
      return status !== 404;
    };
    if (this.kind === "sglang")
      return {
        ability: "weights",
        status: "yes",
        detail: "by disk, /update_weights_from_disk; replies tell their version",
      };
    if (this.kind === "transformers")
      return {
        ability: "weights",
        status: "yes",
        detail: "a request names the folder; start it without a model, which would pin it",
      };
    if (this.kind !== "vllm")
      return { ability: "weights", status: "no", detail: "no documented way: rollouts of fixed weights only" };
    const [lora, reload, version] = await Promise.all(
      ["/v1/load_lora_adapter", "/collective_rpc", "/weight_info"].map(has),
    );
    const ways = [
      ...(lora ? ["LoRA adapters"] : []),
      ...(reload && version ? ["whole weights, reloaded from disk"] : []),
    ];
    if (ways.length > 0) return { ability: "weights", status: "yes", detail: ways.join("; ") };
    const old = reload ? ", or take a vLLM that has /weight_info" : "";
    return {
      ability: "weights",
      status: "no",
      detail:
        "start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora for LoRA, or with " +
        `VLLM_SERVER_DEV_MODE=1 for whole weights${old}`,
    };
  }

  /** The largest log-probability of the first token. */
  async #topLogProb(temperature: number): Promise<number | undefined> {
    const request = this.#request({ temperature, maxNewTokens: 1 }, {});
    if (this.kind === "sglang") {
      const reply = await this.#post(request.path, { ...request.body, top_logprobs_num: 1 });
      const info =
        isRecord(reply) && isRecord(reply["meta_info"]) ? reply["meta_info"]["output_top_logprobs"] : undefined;
      return (info as number[][][] | undefined)?.[0]?.[0]?.[0];
    }
    const reply = await this.#post(request.path, { ...request.body, top_logprobs: 1 });
    const choices = isRecord(reply)
      ? (reply["choices"] as { logprobs?: { content?: { top_logprobs?: { logprob: number }[] }[] } }[] | undefined)
      : undefined;
    return choices?.[0]?.logprobs?.content?.[0]?.top_logprobs?.[0]?.logprob;
  }

  async #ask(
    task: Partial<GenerationTask>,
    extra: { picture?: boolean; several?: boolean; stop?: string; namesModel?: boolean } = {},
  ): Promise<ServerReply> {
    const request = this.#request(task, extra);
    const stop =
      extra.stop === undefined
        ? {}
        : this.kind === "sglang"
          ? { sampling_params: { ...(request.body["sampling_params"] as object), stop: [extra.stop] } }
          : { stop: [extra.stop] };
    const { model, ...others } = request.body;
    const body = extra.namesModel === false ? others : { model, ...others };
    return request.read(await this.#post(request.path, { ...body, ...stop }, request.events));
  }

  #post(path: string, body: unknown, events = false): Promise<unknown> {
    const { apiKey, signal, timeoutMs = 120_000 } = this.options;
    const options = { body, apiKey, signal, timeoutMs };
    return whileBusy<unknown>(() => (events ? httpEvents : httpJson)(`${this.url}${path}`, options), { signal });
  }

  #request(
    task: Partial<GenerationTask>,
    { picture = true, several = false }: { picture?: boolean; several?: boolean },
  ): ProtocolRequest {
    const messages = [
      {
        role: "user",
        content: picture ? [{ type: "image" as const }, { type: "text" as const, text: QUESTION }] : QUESTION,
      },
    ];
    const pictures = picture ? [PICTURE] : [];
    const place = picture ? "<|vision_start|><|image_pad|><|vision_end|>" : "";
    const text = `<|im_start|>user\n${place}${QUESTION}<|im_end|>\n<|im_start|>assistant\n`;
    const prompt = { id: "probe", messages, text, promptIds: new Int32Array() };
    const whole: GenerationTask = {
      prompt,
      samples: 1,
      temperature: 1,
      topP: 1,
      topK: null,
      maxNewTokens: TOKENS,
      seed: 1,
      model: this.model,
      ...task,
    };
    if (this.kind !== "sglang")
      return chatCompletion(whole, pictures, { kind: this.kind, endTokenIds: this.options.endTokenIds ?? [], several });
    // The probe has no tokenizer, so the question without a picture goes as text, too.
    const request = sglangGenerate(whole, pictures.length > 0 ? pictures : [PICTURE]);
    if (picture) return request;
    const { image_data: _, ...body } = request.body;
    return { ...request, body };
  }

  /** A reply, or the sentence that says why there is none. */
  async #try<T>(action: () => Promise<T>, onRefusal?: (refusal: ServerRefusal) => void): Promise<T | string> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof ServerRefusal && error.status !== 401 && error.status !== 403) {
        onRefusal?.(error);
        return error.message;
      }
      if (error instanceof NoAnswerError && error.kind === "failed") return error.message;
      throw error;
    }
  }
}

/** What makes two answers the same. */
function key({ answers }: ServerReply): string {
  const [answer] = answers;
  return answer?.tokenIds ? answer.tokenIds.join() : (answer?.text ?? "");
}

/** Whether the server has shown an ability. */
export function can({ abilities }: EngineReport, ability: Ability): boolean {
  return abilities.some((report) => report.ability === ability && report.status === "yes");
}
